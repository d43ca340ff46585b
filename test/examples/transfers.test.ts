import assert from 'node:assert/strict';
import request from 'supertest';
import { describeExamples, isQuiet } from './examples.js';

const TOTAL = { accounts: 50, total: 50_000 };

describeExamples('transfers', (running) => {
  const transfer = (body: object) => request(running().url).post('/transfers').send(body);
  const checkTotal = () => request(running().url).get('/accounts/total').expect(200, TOTAL);

  it('moves the money there, and back', async () => {
    const there = (await transfer({ from: 49, to: 50, amount: 10 }).expect(200)).body;
    const back = (await transfer({ from: 50, to: 49, amount: 10 }).expect(200)).body;
    assert.deepEqual(there.from, { id: 49, balance: back.to.balance - 10 });
    assert.deepEqual(there.to, { id: 50, balance: back.from.balance + 10 });
    await checkTotal();
  });

  it('409 on insufficient funds, and nothing has moved', async () => {
    const before = (await transfer({ from: 48, to: 47, amount: 1 }).expect(200)).body;
    const { body } = await transfer({ from: 48, to: 47, amount: 50_001 }).expect(409);
    assert.deepEqual(body, { error: 'Account 48 has insufficient funds.' });
    const after = (await transfer({ from: 47, to: 48, amount: 1 }).expect(200)).body;
    assert.equal(after.to.balance, before.from.balance + 1);
    await checkTotal();
  });

  it('404 for an account that is not there, on either side, and nothing has moved', async () => {
    await transfer({ from: 1, to: 51, amount: 1 }).expect(404, { error: 'There is no account 51.' });
    await transfer({ from: 999, to: 1, amount: 1 }).expect(404, { error: 'There is no account 999.' });
    await checkTotal();
  });

  const wrong: object[] = [
    {},
    [],
    { from: 1, to: 2 },
    { from: 1, to: 1, amount: 1 },
    { from: 1, to: 2, amount: 0 },
    { from: 1, to: 2, amount: -1 },
    { from: 1, to: 2, amount: 0.5 },
    { from: 1, to: 2, amount: '1' },
    { from: 1, to: 2, amount: 1e21 },
    { from: 1, to: 2, amount: null },
    { from: '1', to: 2, amount: 1 },
    { from: [1], to: 2, amount: 1 },
    { from: 1, to: { id: 2 }, amount: 1 },
    { from: 0, to: 2, amount: 1 },
    { from: 1.5, to: 2, amount: 1 },
  ];
  for (const body of wrong) {
    it(`400 without a connection for ${JSON.stringify(body)}`, async () => {
      const { acquired } = running().pool.stats();
      const answer = await transfer(body).expect(400);
      assert.equal(typeof answer.body.error, 'string');
      assert.equal(running().pool.stats().acquired, acquired);
    });
  }

  for (const text of ['{"from":', 'null', '"a"', '7', '']) {
    it(`400 in JSON for the body '${text}'`, async () => {
      const post = request(running().url).post('/transfers').set('Content-Type', 'application/json');
      const { body } = await post.send(text).expect(400);
      assert.equal(typeof body.error, 'string');
    });
  }

  it('transfers that cross each other neither deadlock nor change the total', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const pair = { from: 1 + (index % 4), to: 1 + ((index + 1 + (index % 3)) % 4) };
        return (await transfer({ ...pair, amount: 1 + (index % 7) })).status;
      }),
    );
    assert.deepEqual(new Set(statuses), new Set([200]));
    await checkTotal();
  });

  it('clients that leave in the middle of their transfer take no money with them', async () => {
    const departures = Array.from({ length: 60 }, async (_, index) => {
      const signal = AbortSignal.timeout(1 + index);
      const body = JSON.stringify({ from: 5 + (index % 2), to: 6 - (index % 2), amount: 3 });
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${running().url}/transfers`, {
        method: 'POST',
        headers,
        body,
        signal,
      }).catch(() => null);
      await answer?.body?.cancel();
      return answer?.status ?? 'left';
    });
    const outcomes = await Promise.all(departures);
    for (const outcome of outcomes) assert.ok(outcome === 200 || outcome === 'left', String(outcome));
    await isQuiet(running().pool);
    await checkTotal();
  });

  it('nothing of this is an error of the server', () => assert.deepEqual(running().logged, []));
});
