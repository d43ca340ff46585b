import { strict as assert } from 'node:assert';
import { PassThrough, pipeline, type Readable, Transform } from 'node:stream';
import { codeOf, connectionId, json, serve } from '../app.js';
import type { Case, Handler, Row } from '../harness.js';
import { unique } from '../support/database.js';
import { Gate } from '../support/eventually.js';

/** 100 000 rows, about 20 MB: far more than the kernel's buffers take. */
const manyRows = `WITH RECURSIVE digits (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM digits WHERE d < 9)
  SELECT a.d + b.d * 10 + c.d * 100 + e.d * 1000 + f.d * 10000 AS n, REPEAT('x', 200) AS filling
  FROM digits a, digits b, digits c, digits e, digits f`;

/** As many as nobody ever reads: 100 GB. */
const endlessRows = `WITH RECURSIVE digits (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM digits WHERE d < 9)
  SELECT a.d AS n, REPEAT('x', 1000) AS filling
  FROM digits a, digits b, digits c, digits d, digits e, digits f, digits g, digits h`;

function asLines(rows: Readable): Readable {
  const lines = new Transform({
    writableObjectMode: true,
    transform: (row: Row, _encoding, done) => done(null, `${JSON.stringify(row)}\n`),
  });
  pipeline(rows, lines, () => {});
  return lines;
}

const heldWhileProduced: Case = {
  name: 'a streamed body holds the connection until the body has been produced',
  run(harness) {
    const goOn = new Gate();
    const handler: Handler = async ({ db, stream }) => {
      const body = new PassThrough();
      body.write(`first ${await connectionId(db)}\n`);
      const produce = async () => {
        await goOn.opened;
        body.end(`second ${await connectionId(db)}\n`);
      };
      stream(body);
      produce().catch((error) => body.destroy(error));
    };
    return serve(harness, { routes: [{ path: '/body', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/body']);
      const id = /first (\d+)/.exec(await client.receiveUntil('first'))?.[1];
      // The handler has returned; a few requests later its connection must still be out.
      for (let n = 0; n < 3; n++) await app.get('/next');
      await app.eventually(() =>
        assert.equal(app.pool.stats().leased, 1, 'held: not while the body goes on'),
      );
      goOn.open();
      assert.match((await client.receive()).body.toString(), new RegExp(`second ${id}\n$`));
      await app.handedBack();
    });
  },
};

const producedNotRead: Case = {
  name: 'a streamed body that has been produced holds nothing, though its client has not read a byte',
  run(harness) {
    const ended = new Gate();
    const handler: Handler = async ({ db, res, stream }) => {
      const body = new PassThrough();
      body.end(`all of it ${await connectionId(db)}\n`);
      res.once('prefinish', () => ended.open());
      stream(body);
    };
    return serve(harness, { routes: [{ path: '/body', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/body']);
      await ended.opened;
      await app.handedBack();
      assert.match((await client.receive()).body.toString(), /all of it/);
    });
  },
};

const rowsToAReader: Case = {
  name: 'db.stream() sends 100 000 rows to a reader, then the connection is back and reused',
  run(harness) {
    const handler: Handler = async ({ db, stream }) => stream(asLines(db.stream(manyRows)));
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      const { body } = await app.get('/rows');
      const lines = body.toString().trimEnd().split('\n');
      assert.equal(lines.length, 100_000);
      const sum = lines.reduce((total, line) => total + Number((JSON.parse(line) as Row).n), 0);
      assert.equal(sum, (99_999 * 100_000) / 2);
      await app.handedBack();
      await app.get('/next');
      assert.equal(app.pool.stats().opened, 1);
    });
  },
};

const readerLeaves: Case = {
  name: 'the client leaves in the middle of db.stream(): nothing is left running on the server',
  run(harness) {
    const marker = unique('left_alone');
    const handler: Handler = async ({ db, stream }) =>
      stream(asLines(db.stream(`${manyRows} /* ${marker} */`)));
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/rows']);
      await client.receiveUntil('filling');
      assert.equal(app.pool.stats().leased, 1);
      client.leave('RST');
      await app.handedBack();
      await app.eventually(async () => assert.deepEqual(await app.watcher.running(marker), []));
    });
  },
};

const readerOfEndlessLeaves: Case = {
  name: 'the client leaves an export that has no end: it is stopped, and its connection serves the next request',
  run(harness) {
    const marker = unique('endless');
    const handler: Handler = async ({ db, stream }) =>
      stream(asLines(db.stream(`${endlessRows} /* ${marker} */`)));
    return serve(harness, { routes: [{ path: '/rows', handler }], options: { max: 1 } }, async (app) => {
      for (const how of ['RST', 'FIN'] as const) {
        const client = await app.client();
        client.send(['/rows']);
        await client.receiveUntil('filling');
        client.leave(how);
        await app.handedBack();
        assert.deepEqual(await app.watcher.running(marker), []);
      }
      await app.get('/next');
      assert.equal(app.pool.stats().opened, 1);
    });
  },
};

const readerWaits: Case = {
  name: 'a client that stops reading an export stops the server too, not the memory, and gets the rest when it reads on',
  run(harness) {
    let rows: Readable | undefined;
    const handler: Handler = async ({ db, stream }) => {
      rows = db.stream(manyRows);
      stream(asLines(rows));
    };
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/rows']);
      await app.eventually(() => assert.ok((rows?.readableLength ?? 0) >= 16));
      for (let n = 0; n < 5; n++) await app.get('/next');
      assert.ok((rows?.readableLength ?? 0) <= 16, `${rows?.readableLength} rows wait in memory`);
      assert.equal(app.pool.stats().leased, 1);
      const { body } = await client.receive();
      assert.equal(body.toString().trimEnd().split('\n').length, 100_000);
    });
  },
};

const queryInLoop: Case = {
  name: 'a loop over db.stream() that queries db is told so, and the request goes on with its connection',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const before = await connectionId(db);
      const loop = async () => {
        for await (const _row of db.stream(manyRows)) await db.query('SELECT 1');
      };
      const code = await codeOf(loop());
      reply(200, { code, same: before === (await connectionId(db)) });
    };
    const routes = [{ path: '/rows', handler, options: { acquireTimeoutMs: 1_000 } }];
    return serve(harness, { routes }, async (app) => {
      assert.deepEqual(json(await app.get('/rows')), { code: 'STREAM_OPEN', same: true });
    });
  },
};

const forgottenHalfRead: Case = {
  name: 'db.stream() that a handler has half read and forgotten does not keep its connection',
  run(harness) {
    const marker = unique('forgotten');
    const handler: Handler = async ({ db, reply }) => {
      const rows = db.stream(`${endlessRows} /* ${marker} */`);
      rows.on('error', () => {});
      await rows[Symbol.asyncIterator]().next();
      reply(200, { read: 1 });
    };
    const options = { max: 1, drainTimeoutMs: 100 };
    return serve(harness, { routes: [{ path: '/rows', handler }], options }, async (app) => {
      await app.get('/rows');
      await app.handedBack();
      assert.deepEqual(await app.watcher.running(marker), []);
    });
  },
};

const neverRead: Case = {
  name: 'db.stream() that is never read takes no connection',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      db.stream(endlessRows);
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      await app.get('/rows');
      assert.equal(app.pool.stats().opened, 0);
    });
  },
};

const loopThrows: Case = {
  name: 'a handler that throws in the middle of db.stream() answers with its error and leaks nothing',
  run(harness) {
    const handler: Handler = async ({ db }) => {
      for await (const _row of db.stream(manyRows)) throw new Error('mine');
    };
    return serve(harness, { routes: [{ path: '/rows', handler }], options: { max: 1 } }, async (app) => {
      assert.equal((await app.get('/rows')).status, 500);
      await app.handedBack();
    });
  },
};

const lostInTheMiddle: Case = {
  name: 'the connection is lost in the middle of db.stream(): the reader is told, and the request goes on',
  run(harness) {
    const marker = unique('to_be_lost');
    const reading = new Gate();
    const lost = new Gate<number>();
    const handler: Handler = async ({ db, reply }) => {
      const rows = db.stream(`${endlessRows} /* ${marker} */`)[Symbol.asyncIterator]();
      await rows.next();
      reading.open();
      await lost.opened;
      const rest = async () => {
        while (!(await rows.next()).done);
      };
      const code = await codeOf(rest());
      reply(200, { told: code !== 'no error', id: await connectionId(db) });
    };
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      const answer = app.get('/rows');
      // "In the middle": the statement is seen on the server before its first row is seen here.
      await reading.opened;
      const { id } = await app.eventually(() => app.watcher.runner(marker));
      await app.watcher.disconnect(id);
      await app.eventually(async () => assert.equal(await app.watcher.isConnected(id), false));
      lost.open(id);
      const { told, id: next } = json(await answer);
      assert.equal(told, true);
      assert.notEqual(next, id);
    });
  },
};

const consumerStops: Case = {
  name: 'a handler that stops reading db.stream() can query on, on the same connection',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const before = await connectionId(db);
      let read = 0;
      for await (const _row of db.stream(manyRows)) {
        read += 1;
        if (read === 10) break;
      }
      reply(200, { read, same: before === (await connectionId(db)) });
    };
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      const { body } = await app.get('/rows');
      assert.deepEqual(JSON.parse(body.toString()), { read: 10, same: true });
    });
  },
};

const streamFails: Case = {
  name: 'a db.stream() of a wrong statement fails with the error of the server and leaks nothing',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const failed = await db
        .stream('SELECT * FROM no_such_table')
        .toArray()
        .catch((error) => error);
      reply(200, { code: failed.code });
    };
    return serve(harness, { routes: [{ path: '/rows', handler }] }, async (app) => {
      const { body } = await app.get('/rows');
      assert.deepEqual(JSON.parse(body.toString()), { code: 'ER_NO_SUCH_TABLE' });
    });
  },
};

export const streaming: Case[] = [
  heldWhileProduced,
  producedNotRead,
  rowsToAReader,
  readerLeaves,
  readerOfEndlessLeaves,
  readerWaits,
  consumerStops,
  queryInLoop,
  forgottenHalfRead,
  neverRead,
  loopThrows,
  lostInTheMiddle,
  streamFails,
];
