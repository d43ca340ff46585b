import { decideTransaction } from '#core/answering.js';
import { Lifecycle } from '#core/lifecycle.js';
import type { RouteOptions } from '#core/options.js';
import { QueryLog } from '#core/query-log.js';
import { mergeRouteOptions } from '#core/read-options.js';
import { Scope } from '#core/scope.js';
import type { EndCause, ScopeContext } from '#core/scope-context.js';
import type { TestPool } from './fixture.js';

export interface TestRequestOptions extends RouteOptions {
  readonly route?: string;
  readonly method?: string;
  readonly requestId?: string;
  readonly optedOut?: boolean;
  /** How it had ended before its first query. */
  readonly over?: EndCause;
  readonly answerBegun?: boolean;
}

/** A request without HTTP: its end comes when the test says so. */
export class TestRequest {
  readonly db: Scope;
  /** As the framework knows it by now. */
  route: string;
  /** How often the end was begun to be watched for, and how often that was over. */
  watched = 0;
  unwatched = 0;
  /** How often the client alone was begun to be watched. */
  clientWatched = 0;
  /** The response was hijacked, upgraded, or is a stream of events. */
  isLongLived = false;
  /** How often its answer was held back, and its headers taken back. */
  held = 0;
  restored = 0;
  readonly #life: Lifecycle;

  constructor({ flow }: Pick<TestPool, 'flow'>, options: TestRequestOptions = {}) {
    const { route = 'GET /orders/:id', method, requestId, over = null } = options;
    this.route = route;
    const settings = mergeRouteOptions(flow.settings, options);
    const request = this;
    const context: ScopeContext = {
      get isLongLived() {
        return request.isLongLived;
      },
      pool: flow,
      settings,
      isRequest: true,
      log: settings.log > 0 ? new QueryLog(settings.log) : null,
      get route() {
        return request.route;
      },
      method,
      requestId,
      get optedOut() {
        return options.optedOut ?? false;
      },
      answerBegun: options.answerBegun ?? false,
      hold: () => {
        this.held++;
        return () => {
          this.restored++;
        };
      },
      watch: () => {
        this.watched++;
        return over;
      },
      watchClient: () => {
        this.clientWatched++;
        return over;
      },
      unwatch: () => {
        this.unwatched++;
      },
    };
    this.#life = new Lifecycle(context);
    this.db = new Scope(this.#life);
  }

  /** The answer is ready; it is held back until what is returned has settled. */
  async decide(succeeded = true): Promise<void> {
    await decideTransaction(this.db, succeeded);
  }

  /** The handler answers. */
  answer(): void {
    this.#life.ending('answered');
  }

  /** The client leaves. */
  leave(): void {
    this.#life.ending('gone');
  }
}
