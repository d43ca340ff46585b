import type { ServerResponse } from 'node:http';
import { type Request, route } from '@handback/http';
import { Problem } from '../shared/problems.js';

export type Params = Record<string, string>;
type Handler = (req: Request, res: ServerResponse, params: Params) => unknown;

interface Route {
  method: string;
  path: RegExp;
  handler: Handler;
}

/** As much of a router as the demo needs: '/users/:id', and its pattern as the route's name. */
export class Router {
  readonly #routes: Route[] = [];

  add(method: string, pattern: string, handler: Handler): void {
    const path = new RegExp(`^${pattern.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
    this.#routes.push({ method, path, handler: route({ pattern }, handler) });
  }

  async handle(req: Request, res: ServerResponse): Promise<void> {
    const { pathname } = urlOf(req);
    for (const { method, path, handler } of this.#routes) {
      const match = method === req.method ? path.exec(pathname) : null;
      if (match) return void (await handler(req, res, { ...match.groups }));
    }
    throw new Problem(404, 'There is no such page.');
  }
}

function urlOf({ url = '/' }: Request): URL {
  try {
    return new URL(url, 'http://localhost');
  } catch {
    throw new Problem(400, 'The address is none.');
  }
}

/** A parameter of the query string; one that is given twice is an array. */
export function queryOf(req: Request, name: string): unknown {
  const values = urlOf(req).searchParams.getAll(name);
  return values.length > 1 ? values : values[0];
}
