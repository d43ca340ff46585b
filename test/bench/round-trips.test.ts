import assert from 'node:assert/strict';
import { databaseUrl } from '@handback/contract/support/database.js';
import { extraRoundTrips, type Use, usedHandback, usedMysql2 } from '#bench/connections/releases.js';

const TIMES = 3;

const plain: Use = { asks: 1, run: (on) => on.query('SELECT 1') };
const transaction: Use = { asks: 3, run: (on) => on.transaction((tx) => tx.query('SELECT 1')) };
const prepared: Use = { asks: 1, run: (on) => on.execute('SELECT 1') };
const dirty: Use = { asks: 1, run: (on) => on.query('SET @mine = 1') };

describe('bench: round trips at a release, on the wire', () => {
  const extra = (open: ReturnType<typeof usedMysql2>, ...uses: Use[]) =>
    extraRoundTrips(databaseUrl(), open, uses, TIMES);

  it('none are counted of a pool that never cleans', async () => {
    assert.deepEqual(await extra(usedMysql2(), plain, transaction, prepared, dirty), {
      perRelease: 0,
      resets: 0,
    });
  });

  it('one reset is counted for each release of a pool that always resets', async () => {
    const { perRelease, resets } = await extra(usedMysql2({ resetOnRelease: true }), plain, transaction);
    assert.deepEqual({ perRelease, resets }, { perRelease: 1, resets: 1 });
  });

  it('of Handback: none after plain uses, one reset after a use that leaves something behind', async () => {
    assert.equal((await extra(usedHandback(), plain, transaction, prepared)).perRelease, 0);
    assert.equal((await extra(usedHandback(), dirty)).resets, 1);
  });
});
