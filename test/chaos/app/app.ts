import { Random } from '../random.js';
import type { AppTask, Report } from '../types.js';
import { type Contender, loadContender, type Tell } from './contender.js';
import { Evidence } from './evidence/evidence.js';
import { watchPassword, watchPool } from './evidence/pool-watch.js';
import { type Look, Visitor } from './evidence/visitor.js';
import { wholeProbes } from './probes.js';
import type { Listening, Route } from './route.js';
import { CARD, ROUTES } from './routes.js';
import { type Arrival, serveOn } from './servers/serve.js';

/** So many of all requests look at their session that closely. */
const DEEP_SHARE = 0.03;
const WHOLE_SHARE = 0.2;

export interface RunningApp {
  port: number;
  evidence: Evidence;
  contender: Contender;
  /** Stops serving and closes the pool, politely. */
  end(): Promise<void>;
}

/** The app under test: the routes, on the framework, over the contender, with all the evidence that is seen from inside. */
export async function startApp(task: AppTask, send: (report: Report) => void): Promise<RunningApp> {
  const evidence = new Evidence(send, task.deadlines.acquireTimeoutMs);
  evidence.secrets.add('a bound value', CARD);
  const forgetPassword = watchPassword(task.passwordFile, evidence);
  const contend = await loadContender(task.contender);
  const contender = await contend(task, tellTo(evidence));
  const app = new App(task, contender, evidence);
  await app.learnFresh();
  const serve = await serveOn(task.framework);
  const { plugin } = contender;
  const listening: Listening = await serve(ROUTES, {
    plugin,
    enter: (route, arrival) => app.enter(route, arrival),
  });
  const forgetPool = watchPool(contender, evidence, task.deadlines.drainTimeoutMs);
  return {
    port: listening.port,
    evidence,
    contender,
    async end() {
      forgetPool();
      forgetPassword();
      await listening.close();
      await contender.close();
      evidence.stop();
    },
  };
}

function tellTo(evidence: Evidence): Tell {
  return {
    asked() {
      const since = performance.now();
      const stalledMs = evidence.loop.stalledMs;
      return () => evidence.granted(performance.now() - since, evidence.loop.stalledMs - stalledMs);
    },
    granted: (waitedMs) =>
      evidence.granted(waitedMs, evidence.loop.stalledSince(performance.now() - waitedMs)),
    said: (where, what) => evidence.said(where, what),
    count: (name) => evidence.count(name),
  };
}

class App {
  readonly #task: AppTask;
  readonly #contender: Contender;
  readonly #evidence: Evidence;
  readonly #random: Random;

  constructor(task: AppTask, contender: Contender, evidence: Evidence) {
    this.#task = task;
    this.#contender = contender;
    this.#evidence = evidence;
    this.#random = new Random(task.seed);
  }

  /** What a session looks like that nobody has used: to be called before anybody does. */
  async learnFresh(): Promise<void> {
    const [row] = await this.#contender.once((on) => on.query(`SELECT ${wholeProbes}`));
    this.#evidence.fresh = row ?? {};
  }

  async enter(route: Route, arrival: Arrival): Promise<void> {
    const evidence = this.#evidence;
    const lent = this.#contender.lend(arrival);
    const visitor = new Visitor(lent.session, arrival, evidence, this.#task.deadlines, this.#look());
    const inTransaction = route.transaction === true && this.#contender.plugin !== undefined;
    evidence.count(`route:${route.path}`);
    await evidence.caller.run(visitor.id, async () => {
      try {
        await route.handle({ ...arrival, session: visitor.session, visitor, inTransaction });
      } catch (error) {
        visitor.leave();
        evidence.said(`the error of ${route.path}`, error);
        throw error;
      } finally {
        lent.settled();
      }
    });
  }

  #look(): Look {
    const drawn = this.#random.share();
    if (drawn < DEEP_SHARE) return 'deep';
    return drawn < DEEP_SHARE + WHOLE_SHARE ? 'whole' : 'shallow';
  }
}
