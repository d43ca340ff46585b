import assert from 'node:assert/strict';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, Watched } from './outcome.js';
import type { Point } from './peer/stop.js';

describe('an acquire from a server that is silent to every attempt to connect', () => {
  for (const point of ['greeting', 'login', 'authenticated'] as const satisfies Point[]) {
    it(`at ${point}: is refused at its deadline with the cause, and the next one is served when the server is back`, async () => {
      const race = await RacePool.open({ max: 1, acquireTimeoutMs: 5_000, connectTimeoutMs: 3_000 });
      try {
        const stops = [0, 1, 2].map(() => race.peer.stopAt(point));
        const waiting = [
          new Watched('acquire', race.pool.acquire()),
          new Watched('query', askAsNew(race.pool, 'a')),
        ];
        await race.settled(waiting);
        assert.equal(outcomes(waiting), 'acquire OPEN_FAILED, query OPEN_FAILED');
        for (const { error } of waiting)
          assert.match(String((error as Error).cause), /no (connection|answer)|ETIMEDOUT/);
        for (const stop of stops) stop.go();
        await race.clock.advance(60_000);
        const after = new Watched('after', askAsNew(race.pool, 'after'));
        await race.settled([after]);
        assert.equal(outcomes([after]), 'after ok');
        await race.end();
      } finally {
        await race.abandon();
      }
    });
  }
});
