import type { RequestHandler } from 'express';
import type { FastifyInstance } from 'fastify';
import type { Middleware } from 'koa';
import type { RouteNeeds } from '../route.js';

/** How a contender is loaded into each framework. */
export interface Plugin {
  fastify(app: FastifyInstance): Promise<void>;
  /** The route's `config`. */
  fastifyConfig(needs: RouteNeeds): Record<string, unknown>;
  express(): RequestHandler;
  expressRoute(needs: RouteNeeds): RequestHandler[];
  koa(): Middleware;
  koaRoute(needs: RouteNeeds): Middleware[];
}
