import { strict as assert } from 'node:assert';
import { type Case, dropSessionObjects, type Harness, type Strategy, suite } from '@handback/contract';
import { within } from '@handback/contract/support/eventually.js';
import { express5 } from './harnesses/express.js';
import { fastify5 } from './harnesses/fastify.js';
import { nodeHttp } from './harnesses/http.js';
import { koa3 } from './harnesses/koa.js';
import { closeOnly, finishOnly, frameworkHook, resetOnly } from './strategies/wrong.js';

// Who tests the tests? The same cases that Handback passes, run against what projects do today: each strategy must
// be caught, by the cases named here, and for the reason named here: a connection that never comes back (leaked), is
// handed on while it runs a statement (busy), is handed on with half a transaction (half), or is taken away from a
// body that is still being produced (held).

type Reason = 'leaked' | 'busy' | 'half' | 'held';
type Expected = Partial<Record<Reason, string[]>>;

/** Right in the normal case, all of them: without this, a strategy that does not work at all would be "caught" too. */
const normal = [
  'the client leaves (RST) after the answer',
  'a handler that rejects after a query',
  'twenty pipelined requests',
];

/** What none of them thinks of. */
const everybody: Expected = {
  leaked: ['a request whose first query comes after its answer', 'late statements work one by one'],
  busy: ['a query not awaited at the end'],
  half: [
    'a transaction left open at the end is not found by the next request',
    'a late second half of a transfer',
  ],
};

const slowReaders = [
  'ten clients that read nothing of a 20 MB body',
  'a body of 20 MB written without regard',
];
const pipelined = [
  'three pipelined GETs whose client leaves (RST)',
  'three pipelined POSTs whose client leaves (RST)',
];
const noAnswer = [
  'a handler never answers and the client leaves (RST)',
  'a handler never answers and the client leaves (FIN)',
];
const beforeQuery = 'the client leaves (RST) before the first query';
const betweenQueries = 'the client leaves (RST) between two queries';
const duringGet = 'the client of a GET leaves (RST) during a query';
const duringPost = 'the client of a POST leaves (RST) during a query';

// Since Node 24 the response of a queued request does emit 'close'.
const nodeTellsQueuedResponses = Number(process.versions.node.split('.')[0]) >= 24;

const strategies: Array<{
  name: string;
  strategy: (max: number) => Strategy;
  harness: Harness;
  caught: Expected;
}> = [
  {
    name: 'finish only',
    strategy: finishOnly,
    harness: express5,
    caught: {
      leaked: [...noAnswer, ...pipelined, ...slowReaders, beforeQuery, betweenQueries, duringGet, duringPost],
    },
  },
  {
    name: 'close only',
    strategy: closeOnly,
    harness: koa3,
    caught: {
      leaked: [...slowReaders, ...(nodeTellsQueuedResponses ? [] : pipelined), beforeQuery, betweenQueries],
      busy: [duringGet, duringPost],
    },
  },
  {
    name: 'framework hook',
    strategy: frameworkHook,
    harness: fastify5,
    caught: {
      leaked: [...noAnswer, ...pipelined, ...slowReaders, beforeQuery, betweenQueries, duringGet, duringPost],
    },
  },
  {
    name: 'framework hook',
    strategy: frameworkHook,
    harness: express5,
    caught: { leaked: [...noAnswer, ...pipelined] },
  },
  {
    name: 'framework hook',
    strategy: frameworkHook,
    harness: koa3,
    caught: { leaked: [...noAnswer, ...pipelined], held: ['a streamed body holds the connection'] },
  },
  {
    name: 'finally',
    strategy: frameworkHook,
    harness: nodeHttp,
    caught: { leaked: [...noAnswer, ...pipelined], held: ['a streamed body holds the connection'] },
  },
];

function theCase(start: string): Case {
  const found = Object.values(suite)
    .flat()
    .filter(({ name }) => name.startsWith(start));
  assert.equal(found.length, 1, `${found.length} cases begin with ${JSON.stringify(start)}`);
  return found[0] as Case;
}

for (const { name: strategyName, strategy, harness, caught } of strategies) {
  describe(`the contract suite catches '${strategyName}' on ${harness.framework}`, () => {
    const names = [everybody, caught].flatMap((expected) => Object.values(expected).flat()).concat(normal);
    /** What the case whose name begins like this complained of; '' when it passed. */
    const complaints = new Map<string, string>();

    before(async function () {
      this.timeout(60_000);
      await Promise.all(
        names.map(async (name) => {
          // Whoever is right is waited for, however slow the machine is.
          const patienceMs = normal.includes(name) ? 20_000 : 3_000;
          const outcome = within(25_000, name, theCase(name).run({ ...harness, patienceMs, strategy }));
          complaints.set(
            name,
            await outcome.then(
              () => '',
              (error: Error) => error.message,
            ),
          );
        }),
      );
    });

    for (const expected of [everybody, caught]) {
      for (const [reason, caughtBy] of Object.entries(expected)) {
        for (const name of caughtBy) {
          it(`${reason}: ${name}`, () =>
            assert.match(complaints.get(name) as string, new RegExp(`^${reason}`)));
        }
      }
    }

    for (const name of normal) it(`passes: ${name}`, () => assert.equal(complaints.get(name), ''));
  });
}

const stainCases = [
  suite['session state'],
  suite['session state set behind the text'],
  suite['session state of the last statement'],
].flat() as Case[];

/** What COM_RESET_CONNECTION leaves, and the driver's own idea of the character set. */
const survivesReset = [
  'USE of another schema:',
  'SET ROLE:',
  'a role that a procedure took on:',
  'SHOW PROFILES:',
  'FOUND_ROWS():',
  'FOUND_ROWS() after SQL_CALC_FOUND_ROWS:',
  'a request that switched to gbk does not',
  'a prepared XA transaction:',
];

/** The injection needs a server that was cleaned and a driver that was not. */
const needsReset = 'a request that switched to gbk does not';

const cleaners: Array<{ name: string; strategy: (max: number) => Strategy; leaves(name: string): boolean }> =
  [
    { name: 'no clean-up', strategy: frameworkHook, leaves: (name) => !name.startsWith(needsReset) },
    {
      name: 'reset only',
      strategy: resetOnly,
      leaves: (name) => survivesReset.some((start) => name.startsWith(start)),
    },
  ];

for (const { name: cleaner, strategy, leaves } of cleaners) {
  describe(`the contract suite catches '${cleaner}' by what the next request sees`, () => {
    after(dropSessionObjects);

    for (const { name, run } of stainCases) {
      const caught = leaves(name);
      it(`${caught ? 'stained' : 'passes'}: ${name}`, async () => {
        const outcome = run({ ...express5, patienceMs: 5_000, strategy });
        if (caught) await assert.rejects(outcome, { message: /^stained/ });
        else await outcome;
      });
    }
  });
}

describe("the contract suite lets 'reset only' pass where a request looks for what is its own", () => {
  after(dropSessionObjects);

  for (const { name, run } of suite["session state that is the request's own"] as Case[]) {
    it(name, () => run({ ...express5, patienceMs: 5_000, strategy: resetOnly }));
  }
});
