import { badPoolOptions } from './cases/bad-options.js';
import { dropSessionObjects } from './cases/session-objects.js';
import { express4, express5 } from './harnesses/express.js';
import { fastify5 } from './harnesses/fastify.js';
import { koa2, koa3 } from './harnesses/koa.js';
import { suite } from './suite.js';

after(dropSessionObjects);

for (const harness of [fastify5, express5, express4, koa3, koa2]) {
  describe(`contract: ${harness.framework}`, () => {
    for (const [behaviour, cases] of Object.entries(suite)) {
      const applicable = cases.filter(({ only }) => only === undefined || only.includes(harness.family));
      if (applicable.length === 0) continue;
      describe(behaviour, () => {
        for (const { name, run, timeoutMs = 30_000 } of applicable) {
          it(name, () => run({ ...harness, patienceMs: 10_000 })).timeout(timeoutMs);
        }
      });
    }
  });
}

describe('contract: createPool()', () => {
  for (const { name, run } of badPoolOptions) it(name, run);
});
