import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Departure, RawClient } from '@handback/contract/support/raw-client.js';
import type { RouteOptions, Scope } from '@handback/core';
import { withDatabase } from '@handback/http';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, ownRows, question, Watched } from './outcome.js';
import type { Point } from './peer/stop.js';

const ENTRY = 'transfer';

/** What a handler does when its client leaves. */
const HANDLERS: Readonly<Record<string, (db: Scope) => Promise<unknown>>> = {
  query: async (db) => ownRows('slow', await db.query(question('slow'))),
  commit: (db) => db.transaction((tx) => tx.query(`INSERT INTO ledger VALUES ('${ENTRY}')`)),
};

const STOPS: readonly (readonly [Point, keyof typeof HANDLERS])[] = [
  ['greeting', 'query'],
  ['login', 'query'],
  ['authenticated', 'query'],
  ['header', 'query'],
  ['row', 'query'],
  ['eof', 'query'],
  ['commit', 'commit'],
];

/** Whoever is being served goes on by default; whoever waits need not be served any more. */
function outcome(point: Point, what: string, afterResponse: RouteOptions['afterResponse']): string {
  if (['greeting', 'login', 'authenticated'].includes(point)) return `${what} CLIENT_GONE`;
  if (afterResponse === 'allow') return `${what} ok`;
  return `${what} ${what === 'commit' ? 'OUTCOME_UNKNOWN' : 'QUERY_CANCELLED'}`;
}

async function leave(point: Point, what: string, how: Departure, afterResponse: 'allow' | 'cancel') {
  const race = await RacePool.open({ max: 1, afterResponse });
  const work: Watched[] = [];
  const handler = withDatabase(
    (req, res) => {
      const db = (req as unknown as { db: Scope }).db;
      const done = HANDLERS[what]?.(db) as Promise<unknown>;
      work.push(new Watched(what, done));
      return done.then(
        () => void res.end('done'),
        () => void res.end('failed'),
      );
    },
    { pool: race.pool },
  );
  const server = createServer(handler).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const opening = outcome(point, what, 'allow').endsWith('GONE');
    if (!opening) await askAsNew(race.pool, 'first');
    const stop = race.peer.stopAt(point, point === 'commit' || opening ? {} : { of: /slow/ });
    const client = await RawClient.connect((server.address() as AddressInfo).port);
    client.send(['/']);
    await stop.reached;
    client.leave(how);
    await race.rest();
    stop.go();
    await race.settled(work);
    assert.equal(outcomes(work), outcome(point, what, afterResponse));
    if (work[0]?.ended === 'ok' && what === 'commit') assert.equal(race.peer.ledger.get(ENTRY), 1);
    const next = new Watched('next', askAsNew(race.pool, 'next'));
    await race.settled([next]);
    assert.equal(outcomes([next]), 'next ok');
    await race.end();
  } finally {
    server.close();
    server.closeAllConnections();
    await race.abandon();
  }
}

describe('an HTTP client that leaves', () => {
  for (const [point, what] of STOPS) {
    it(`while the server has stopped at ${point}: the connection comes back, clean, to the next one`, async () => {
      for (const how of ['FIN', 'RST'] as const)
        for (const afterResponse of ['allow', 'cancel'] as const)
          await leave(point, what, how, afterResponse);
    });
  }
});
