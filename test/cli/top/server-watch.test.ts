import { strict as assert } from 'node:assert';
import { CommandError } from '#cli/exit-codes.js';
import type { Session } from '#cli/session.js';
import { ServerWatch } from '#cli/top/server-watch.js';

/** A server that answers with a row of nothing in particular, or fails. */
function scripted() {
  const state = { now: 0, up: true, opened: 0, closed: 0 };
  const ask: Session['ask'] = async (sql) => {
    if (!state.up) throw new Error('Connection lost');
    return /VERSION\(\)/.test(sql) ? [{ version: '10.11-MariaDB', account: 'u@%' }] : [{}];
  };
  const open = async (): Promise<Session> => {
    if (!state.up) throw new CommandError('no connection to u@h:3306: refused');
    state.opened++;
    return {
      ask,
      id: 7,
      socket: undefined,
      close: async () => void state.closed++,
    };
  };
  const watch = new ServerWatch({ open, retryMs: 1_000, now: () => state.now });
  const errorOf = async () => {
    const look = await watch.look();
    return 'error' in look ? look : undefined;
  };
  return { state, watch, errorOf };
}

describe('the watch over the server', () => {
  it('keeps its session from look to look', async () => {
    const { state, watch, errorOf } = scripted();
    await watch.begin();
    assert.deepEqual([await errorOf(), await errorOf(), state.opened], [undefined, undefined, 1]);
    await watch.close();
    assert.equal(state.closed, 1);
  });

  it('fails at the beginning when there is no server', async () => {
    const { state, watch } = scripted();
    state.up = false;
    await assert.rejects(watch.begin(), CommandError);
  });

  it('says that it was lost, asks again after pauses that double to ten seconds, and goes on', async () => {
    const { state, watch, errorOf } = scripted();
    await watch.begin();
    state.up = false;
    assert.match((await errorOf())?.error ?? '', /Connection lost/);
    assert.equal(state.closed, 1, 'the old session is not left behind');
    const pauses: number[] = [];
    for (let n = 0; n < 6; n++) {
      const waiting = (await errorOf())?.retryInMs ?? 0;
      pauses.push(waiting);
      state.now += waiting;
      assert.match((await errorOf())?.error ?? '', /refused/);
    }
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    state.up = true;
    state.now += 10_000;
    assert.deepEqual([await errorOf(), state.opened], [undefined, 2]);
    state.up = false;
    assert.equal((await errorOf())?.retryInMs, 1_000, 'from the beginning');
  });
});
