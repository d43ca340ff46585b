import { badPoolOptions, contract, tenThousandOnOneSocket } from '@handback/contract';
import { eventStreams, handlerTimeout } from './fastify-responses.js';
import { websocketIdle, websocketRoute } from './fastify-websocket.js';
import { express4, express5 } from './harnesses/express.js';
import { fastify5 } from './harnesses/fastify.js';
import { nodeHttp } from './harnesses/http.js';
import { koa2, koa3 } from './harnesses/koa.js';

contract(fastify5, {
  also: {
    upgrades: [websocketRoute, websocketIdle],
    'responses that last': [eventStreams],
    'db.signal': [handlerTimeout],
    'keep-alive': [tenThousandOnOneSocket],
  },
});
for (const harness of [express5, express4, koa3, koa2, nodeHttp]) contract(harness);

describe('contract: createPool()', () => {
  for (const { name, run } of badPoolOptions) it(name, run);
});
