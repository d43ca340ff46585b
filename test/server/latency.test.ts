import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { createPool } from '@handback/core';
import { FaultProxy } from '../chaos/proxy/fault-proxy.js';
import { Random } from '../chaos/random.js';

describe('a network that becomes slow', () => {
  const ACQUIRE_MS = 300;

  it('costs no connection: whoever can not be served in time is refused at the deadline, and all are when it is well', async () => {
    const { port, hostname } = new URL(databaseUrl());
    const target = { targetPort: Number(port || 3306), targetHost: hostname };
    const proxy = await FaultProxy.open({ ...target, random: new Random(1) });
    const pool = createPool({ uri: proxy.url(databaseUrl()), max: 2, acquireTimeoutMs: ACQUIRE_MS });
    pool.events.on('warning', () => {});
    const burst = () =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          pool.query('SELECT 1').then(
            () => 'served',
            ({ code }) => code as string,
          ),
        ),
      );
    try {
      const allServed = async () => assert.deepEqual(new Set(await burst()), new Set(['served']));
      await eventually(allServed);
      const { evicted: before } = pool.stats();
      proxy.flow = { kind: 'delay', ms: 100 };
      const slow = await within(5_000, 'all of them', burst());
      assert.deepEqual(new Set(slow), new Set(['served', 'ACQUIRE_TIMEOUT']));
      proxy.flow = { kind: 'ok' };
      await eventually(allServed);
      assert.deepEqual(pool.stats().evicted, before);
    } finally {
      await pool.close({ timeoutMs: 1_000 });
      await proxy.close();
    }
  });
});
