import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';

/** A framework, as small as one can be: a chain of functions and a table of routes. docs/writing-an-adapter.md uses it. */
export class Chain {
  /** What the contexts of this application inherit from; a plugin's place for what belongs to every request. */
  readonly context: Context = Object.create(Context.prototype);
  readonly server: Server = createServer((req, res) => void this.#handle(req, res));
  readonly #steps: Step[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #routeHooks: Array<(route: Route) => void> = [];
  readonly #closeHooks: Array<() => unknown> = [];
  #errorHook: (error: unknown) => void = console.error;

  use(step: Step): void {
    this.#steps.push(step);
  }

  route(route: Route): void {
    for (const hook of this.#routeHooks) hook(route);
    this.#routes.set(`${route.method} ${route.path}`, route);
  }

  onRoute(hook: (route: Route) => void): void {
    this.#routeHooks.push(hook);
  }

  onError(hook: (error: unknown) => void): void {
    this.#errorHook = hook;
  }

  onClose(hook: () => unknown): void {
    this.#closeHooks.push(hook);
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
    for (const hook of this.#closeHooks) await hook();
  }

  /** Answers with an error. */
  fail(ctx: Context, error: unknown): void {
    this.#errorHook(error);
    const { statusCode = 500, headers = {} } = (error ?? {}) as Failed;
    if (ctx.res.headersSent) return void ctx.res.destroy();
    for (const [name, value] of Object.entries(headers)) ctx.res.setHeader(name, value);
    ctx.send(statusCode, { error: statusCode });
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const ctx: Context = Object.assign(Object.create(this.context), { req, res });
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    ctx.route = this.#routes.get(`${method} ${req.url?.split('?')[0]}`);
    const next = async (index: number): Promise<void> => {
      const step = this.#steps[index];
      if (step) return step(ctx, () => next(index + 1));
      if (ctx.route) await ctx.route.handler(ctx);
      else ctx.send(404, {});
    };
    await next(0).catch((error) => this.fail(ctx, error));
  }
}

export class Context {
  declare readonly req: IncomingMessage;
  declare readonly res: ServerResponse;
  declare route: Route | undefined;

  send(status: number, body: unknown): void {
    this.res.statusCode = status;
    if (body instanceof Readable) pipeline(body, this.res, () => {});
    else this.res.end(Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body));
  }
}

export type Step = (ctx: Context, next: () => Promise<void>) => Promise<void>;

export interface Route {
  method: string;
  path: string;
  handler: (ctx: Context) => unknown;
  /** For plugins. */
  config?: Record<string, unknown>;
}

interface Failed {
  statusCode?: number;
  headers?: Record<string, string>;
}
