import { strict as assert } from 'node:assert';
import express from '@handback/express';
import koa from '@handback/koa';

for (const [framework, handback] of Object.entries({ express, koa })) {
  describe(`marks of routes: ${framework}`, () => {
    it('off in the place of off() says so, rather than end no chain', () => {
      const off = handback.off as unknown as (...args: unknown[]) => unknown;
      assert.throws(() => off({}, {}, () => {}), /Write handback\.off\(\)/);
      assert.equal(typeof handback.off(), 'function');
    });

    it('route() without options is refused', () => {
      assert.throws(() => handback.route(undefined as never), { code: 'INVALID_OPTION' });
    });
  });
}
