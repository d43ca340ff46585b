import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { request } from '@handback/contract/support/raw-client.js';
import {
  createPool,
  type Http2Request,
  off,
  type Request,
  route,
  type Scope,
  withDatabase,
} from '@handback/http';

const pool = createPool('mysql://nobody@127.0.0.1:1/nothing');

/** The body of the answer to GET /. */
async function answerOf(listener: (req: IncomingMessage, res: ServerResponse) => unknown): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return (await request((server.address() as AddressInfo).port, '/')).body.toString();
  } finally {
    server.close();
  }
}

const errorOf = (db: Scope) => db.query('SELECT 1').then(String, ({ message }: Error) => message);

describe('@handback/http: what is wrong is refused when it is written', () => {
  const refused: Record<string, [() => unknown, RegExp]> = {
    'a handler that is none': [() => withDatabase({} as never, { pool }), /withDatabase\(\) takes a handler/],
    'no options': [() => withDatabase(() => {}, undefined as never), /options must be an object/],
    'an onError that is no function': [
      () => withDatabase(() => {}, { pool, onError: 'log' as never }),
      /'onError' must be a function; got string/,
    ],
    'an unknown option': [
      () => withDatabase(() => {}, { pool, onErorr: () => {} } as never),
      /Unknown option 'onErorr'.*onError/,
    ],
    'off in the place of off()': [() => off(undefined as never), /off\(\) takes a handler/],
    'a route without a handler': [() => route({}, undefined as never), /route\(\) takes a handler/],
    'a route without options': [() => route(undefined as never, () => {}), /must be an object/],
    'an option that a route does not have': [() => route({ max: 3 } as never, () => {}), /'max'/],
    'a pattern that is no text': [() => route({ pattern: /x/ as never }, () => {}), /'pattern'/],
  };

  for (const [what, [work, message]] of Object.entries(refused)) {
    it(what, () => assert.throws(work, { code: 'INVALID_OPTION', message }));
  }

  it('a name that requests have already, on the first request', async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    await answerOf(withDatabase(() => {}, { pool, as: 'headers', onError }));
    assert.equal((errors[0] as { code?: string }).code, 'INVALID_OPTION');
  });
});

describe('@handback/http: marks of routes', () => {
  it('a pattern names the route, and neither undoes off nor is undone by it', async () => {
    const handler = async (req: Request, res: ServerResponse) => res.end(await errorOf(req.db));
    const marked = {
      inside: route({ pattern: '/things/:id' }, off(handler)),
      outside: off(route({ pattern: '/things/:id' }, handler)),
    };
    for (const handle of Object.values(marked)) {
      assert.match(await answerOf(withDatabase(handle, { pool })), /^\/things\/:id is opted out/);
    }
    assert.match(await answerOf(withDatabase(off(handler), { pool })), /^GET \(unmatched\) is opted out/);
  });

  it('pass on `this` and the arguments of a router', async () => {
    const handler = route({}, function (this: unknown, _req, res, params: { id: string }) {
      res.end(`${params.id} ${this}`);
    });
    const listener = withDatabase((req, res) => handler.call('router', req, res, { id: '7' }), { pool });
    assert.equal(await answerOf(listener), '7 router');
  });
});

describe('@handback/http: the property', () => {
  it('is the same scope each time, and a double may take its place', async () => {
    const listener = withDatabase(
      (req, res) => {
        const first = req.db;
        const isSame = req.db === first;
        const double = {} as Scope;
        req.db = double;
        res.end(`${isSame} ${req.db === double}`);
      },
      { pool },
    );
    assert.equal(await answerOf(listener), 'true true');
  });

  it('is called as `as` says, in types too', async () => {
    const listener = withDatabase((req, res) => res.end(`${req.reporting.state} ${'db' in req}`), {
      pool,
      as: 'reporting',
    });
    assert.equal(await answerOf(listener), 'unused false');
  });

  it('is not on the requests of other servers in the process', async () => {
    await answerOf(withDatabase((_req, res) => res.end(), { pool }));
    assert.equal(await answerOf((req, res) => res.end(String('db' in req))), 'false');
  });

  it('a request that is handed to the same listener again keeps its scope', async () => {
    const scopes = new Set<Scope>();
    const listener = withDatabase(
      (req, res) => {
        scopes.add(req.db);
        if (req.url === '/') {
          req.url = '/rewritten';
          listener(req, res);
        } else res.end(`${req.url} ${scopes.size}`);
      },
      { pool },
    );
    assert.equal(await answerOf(listener), '/rewritten 1');
  });

  it('types: handlers for HTTP/2, for two registrations and without annotations fit', () => {
    const http2 = withDatabase(
      async (req: Http2Request, res: Http2ServerResponse) => void res.stream.respond({ x: req.db.state }),
      { pool },
    );
    createHttp2Server(http2);
    const both = (req: Request<'db' | 'reporting'>, res: ServerResponse) =>
      void res.end(req.db.state + req.reporting.state);
    const inner = withDatabase(both, { pool });
    createServer(withDatabase(inner, { pool, as: 'reporting' }));
    withDatabase(
      route({ queryTimeoutMs: 1 }, async (req, res) => void res.end(req.db.state)),
      { pool },
    );
  });
});
