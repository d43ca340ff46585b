import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gate, within } from '@handback/contract/support/eventually.js';
import { RawClient, request } from '@handback/contract/support/raw-client.js';
import { createPool, HandbackError, type HandbackOptions, withDatabase } from '@handback/http';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

/** Nothing listens there, and nothing here asks for a connection. */
const pool = createPool('mysql://nobody@127.0.0.1:1/nothing');

async function serving(
  handler: Handler,
  work: (port: number, errors: unknown[]) => Promise<void>,
  options: Partial<HandbackOptions> = {},
): Promise<void> {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const server = createServer(withDatabase(handler, { pool, onError, ...options })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work((server.address() as AddressInfo).port, errors);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const errorWith = (properties: object) => Object.assign(new Error('the secret reason'), properties);

describe('@handback/http: a handler that fails', () => {
  const answers: Array<{ what: string; error: unknown; status: number; body: string }> = [
    { what: 'an ordinary error', error: new Error('x'), status: 500, body: 'Internal Server Error' },
    { what: 'no error at all', error: undefined, status: 500, body: 'Internal Server Error' },
    { what: 'a string', error: 'a secret', status: 500, body: 'Internal Server Error' },
    { what: 'a statusCode', error: errorWith({ statusCode: 404 }), status: 404, body: 'Not Found' },
    { what: 'a status', error: errorWith({ status: 502 }), status: 502, body: 'Bad Gateway' },
    { what: 'a status without a name', error: errorWith({ status: 499 }), status: 499, body: 'Error 499' },
    {
      what: 'a statusCode of no error',
      error: errorWith({ statusCode: 200 }),
      status: 500,
      body: 'Internal Server Error',
    },
    {
      what: 'a statusCode in letters',
      error: errorWith({ statusCode: '404' }),
      status: 500,
      body: 'Internal Server Error',
    },
    {
      what: 'a message that is meant to be seen',
      error: errorWith({ statusCode: 409, expose: true }),
      status: 409,
      body: 'the secret reason',
    },
    {
      what: 'a HandbackError that is no 503',
      error: new HandbackError('ROUTE_OPTED_OUT', 'for developers'),
      status: 500,
      body: 'Internal Server Error',
    },
  ];

  for (const { what, error, status, body } of answers) {
    it(`with ${what} is answered ${status} '${body}', synchronous or not`, async () => {
      const handlers: Handler[] = [
        () => {
          throw error;
        },
        () => Promise.reject(error),
      ];
      for (const handler of handlers) {
        await serving(handler, async (port, errors) => {
          const answer = await request(port, '/');
          assert.deepEqual([answer.status, answer.body.toString()], [status, body]);
          assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
          assert.deepEqual(errors, [error]);
        });
      }
    });
  }

  it('because no connection could be had is answered 503 with Retry-After and our message', async () => {
    const error = new HandbackError('QUEUE_FULL', 'Busy.', { retryAfterSeconds: 7 });
    await serving(
      () => Promise.reject(error),
      async (port) => {
        const { status, headers, body } = await request(port, '/');
        assert.deepEqual([status, headers['retry-after'], body.toString()], [503, '7', 'Busy.']);
      },
    );
  });

  it('leaves no header of the answer it did not send', async () => {
    const handler: Handler = (_req, res) => {
      res.setHeader('Content-Length', 5_000).setHeader('Set-Cookie', 'a=b').setHeader('ETag', '"x"');
      throw new Error('x');
    };
    await serving(handler, async (port) => {
      const { status, headers, body } = await request(port, '/');
      assert.deepEqual([status, body.toString()], [500, 'Internal Server Error']);
      assert.deepEqual([headers['set-cookie'], headers.etag], [undefined, undefined]);
    });
  });

  it('is answered without a body on HEAD, and the connection serves on', async () => {
    let calls = 0;
    const handler: Handler = async (_req, res) => {
      calls += 1;
      if (calls === 1) throw new Error('x');
      res.end('second');
    };
    await serving(handler, async (port) => {
      const client = await RawClient.connect(port);
      client.write('HEAD / HTTP/1.1\r\nHost: test\r\n\r\n');
      await client.receiveUntil('\r\n\r\n');
      client.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
      assert.match(await client.receiveUntil('second'), /^HTTP\/1\.1 500 .*\r\n\r\nHTTP\/1\.1 200 /s);
      client.leave('FIN');
    });
  });

  it('in the middle of its answer has its connection cut, so that half of it is not taken for the whole', async () => {
    const handler: Handler = async (_req, res) => {
      res.write('half');
      throw new Error('x');
    };
    await serving(handler, async (port, errors) => {
      await assert.rejects(request(port, '/'), /closed the connection before its answer was whole/);
      assert.equal(errors.length, 1);
    });
  });

  it('in the middle of an answer that is queued behind another leaves that one whole', async () => {
    const failed = new Gate();
    const handler: Handler = async (req, res) => {
      if (req.url === '/first') return failed.opened.then(() => res.end('all of the first'));
      res.write('half');
      failed.open();
      throw new Error('x');
    };
    await serving(handler, async (port) => {
      const client = await RawClient.connect(port);
      client.send(['/first'], ['/second']);
      assert.equal((await client.receive()).body.toString(), 'all of the first');
      await assert.rejects(client.receive(), /closed the connection before its answer was whole/);
    });
  });

  it('after its answer is reported, and the answer stands, though most of it is still to be sent', async () => {
    const answer = Buffer.alloc(5_000_000, 'x');
    const handler: Handler = async (_req, res) => {
      res.setHeader('Content-Length', answer.length).end(answer);
      throw new Error('x');
    };
    await serving(handler, async (port, errors) => {
      assert.equal((await request(port, '/')).body.length, answer.length);
      assert.equal(errors.length, 1);
    });
  });

  it("leaves 'clientError' to the server's own listener", async () => {
    const server = createServer(withDatabase(() => {}, { pool }));
    assert.deepEqual(server.listenerCount('clientError'), 0);
  });

  it('is told to stderr: once, without what the database server quotes, and nothing of what is nobody’s fault here', async () => {
    const shown: unknown[] = [];
    const original = console.error;
    console.error = (...args: unknown[]) => void shown.push(...args);
    const fails = (error: unknown) =>
      serving(
        () => Promise.reject(error),
        async (port) => void (await request(port, '/')),
        {
          onError: undefined as never,
        },
      );
    try {
      await fails(errorWith({ statusCode: 404 }));
      await fails(new HandbackError('ACQUIRE_TIMEOUT', 'Busy.'));
      await fails(new HandbackError('CLIENT_GONE', 'Left.'));
      assert.deepEqual(shown, []);
      const sqlMessage = "Duplicate entry 'bob' for key 'name'";
      await fails(
        Object.assign(new Error(sqlMessage), {
          code: 'ER_DUP_ENTRY',
          sql: 'INSERT INTO users VALUES (?)',
          sqlMessage,
        }),
      );
      await fails(new Error('a bug'));
    } finally {
      console.error = original;
    }
    assert.equal(shown.length, 2);
    assert.match(String(shown[0]), /^Error: ER_DUP_ENTRY in INSERT INTO users VALUES \(\?\)\n\s+at /);
    assert.doesNotMatch(String(shown[0]), /bob/);
    assert.match(String(shown[1]), /^Error: a bug\n\s+at /);
  });
});

describe('@handback/http: a handler whose promise is kept', () => {
  it('may answer later', async () => {
    const later = new Gate();
    const handler: Handler = async (_req, res) => void later.opened.then(() => res.end('later'));
    await serving(handler, async (port, errors) => {
      const client = await RawClient.connect(port);
      client.send(['/']);
      later.open();
      assert.equal((await within(5_000, 'the answer', client.receive())).body.toString(), 'later');
      assert.deepEqual(errors, []);
      client.leave('FIN');
    });
  });
});
