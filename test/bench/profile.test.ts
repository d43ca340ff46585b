import assert from 'node:assert/strict';
import { type CallFrame, type Owner, ownerOf } from '#bench/profile/classify.js';
import { withTable } from '#bench/profile/document.js';
import { type ProfileOptions, parseOptions } from '#bench/profile/options.js';
import { ownersTable } from '#bench/profile/table.js';
import { type CpuProfile, tally } from '#bench/profile/tally.js';
import { UsageError } from '#scripts/lib/read-arguments.mjs';

const frame = (url: string, functionName = 'some'): CallFrame => ({ functionName, url, lineNumber: 0 });
const modules = 'file:///repository/node_modules';

describe('npm run profile: whose a function is', () => {
  const cases: Array<[CallFrame, Owner | null]> = [
    [frame('file:///repository/packages/core/dist/pool.js'), 'handback'],
    [frame('file:///repository/packages/fastify/dist/adapter.js'), 'handback'],
    [frame('file:///repository/bench/dist/http/apps/fastify/handback.js'), 'application'],
    [frame(`${modules}/mysql2/lib/commands/query.js`), 'driver'],
    [frame('/repository/node_modules/sql-escaper/lib/index.js'), 'driver'],
    [frame(`${modules}/fastify/lib/reply.js`), 'framework'],
    [frame(`${modules}/find-my-way/index.js`), 'framework'],
    [frame('node:_http_outgoing'), 'node http'],
    [frame('node:net'), 'node sockets'],
    [frame('node:internal/stream_base_commons'), 'node sockets'],
    [frame('node:internal/streams/writable'), 'node sockets'],
    [frame('node:internal/timers'), 'node timers'],
    [frame('node:events'), 'node other'],
    [frame('', '(garbage collector)'), 'garbage collector'],
    [frame('', '(program)'), 'native'],
    [frame('', 'writev'), null],
  ];
  for (const [given, owner] of cases) {
    it(`${given.url || given.functionName}: ${owner ?? "its caller's"}`, () =>
      assert.equal(ownerOf(given), owner));
  }
});

/** Of a request: what is called by whom, and how long each of it takes. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('', '(root)'), children: [2, 7, 8] },
    { id: 2, callFrame: frame('node:net', 'onread'), children: [3] },
    { id: 3, callFrame: frame('file:///repository/packages/core/dist/pool.js', 'lend'), children: [4, 6] },
    { id: 4, callFrame: frame(`${modules}/mysql2/lib/connection.js`, 'query'), children: [5] },
    { id: 5, callFrame: frame('node:net', 'write'), children: [9] },
    { id: 6, callFrame: frame('node:timers', 'setTimeout') },
    { id: 7, callFrame: frame('', '(idle)') },
    { id: 8, callFrame: frame('', '(garbage collector)') },
    { id: 9, callFrame: frame('', 'writev') },
  ],
  samples: [2, 3, 4, 9, 6, 7, 8, 3],
  // Before each sample: the stretch of a sample ends with the next one.
  timeDeltas: [0, 10, 20, 30, 40, 50, 1_000, 60],
};

describe('npm run profile: where the time goes', () => {
  const { busyUs, self, onBehalf, functions } = tally(profile);

  it('leaves out the time in which there was nothing to do', () => assert.equal(busyUs, 210));

  it('gives each function its own time, and what is native its caller’s', () =>
    assert.deepEqual(Object.fromEntries(self), {
      'node sockets': 10 + 40,
      handback: 20,
      driver: 30,
      'node timers': 50,
      'garbage collector': 60,
    }));

  it('gives the time of Node to whoever called it, if somebody did', () =>
    assert.deepEqual(Object.fromEntries(onBehalf), {
      'node sockets': 10,
      handback: 20 + 50,
      driver: 30 + 40,
      'garbage collector': 60,
    }));

  it('lists the most expensive functions first', () =>
    assert.deepEqual(
      functions.slice(0, 2).map(({ where, selfUs }) => [where, selfUs]),
      [
        ['(garbage collector)', 60],
        ['setTimeout node:timers:1', 50],
      ],
    ));

  it('is a table of microseconds per request, with all of it at the end', () => {
    const table = ownersTable([{ name: 'handback', tally: tally(profile), requests: 10 }]);
    assert.match(table, /\| Handback \(`@handback\/\*`\) \| 2\.00 µs \| 9\.5 % \| 33\.3 % \|/);
    assert.match(table, /\| together \| 21\.00 µs \| 100 % \|/);
    assert.doesNotMatch(table, /the framework/);
  });
});

describe('npm run profile: options and document', () => {
  it('is of the one-query route on Fastify, beside mysql2/promise', () => {
    const { framework, route, contenders } = parseOptions([]) as ProfileOptions;
    assert.deepEqual([framework, route, contenders], ['fastify', 'one', ['handback', 'mysql2-promise']]);
  });

  for (const [args, complaint] of [
    [['--framework', 'hapi'], /--framework must be one of fastify, express, koa/],
    [['--route', 'two'], /--route must be one of none, one, three, execute/],
    [['--requests', '0'], /--requests must be a number from 1 on/],
    [['--frame', 'koa'], /--frame/],
    [['--contenders', 'handback,knex'], /--contenders must be one of .*\bhandback\b.*, not 'knex'/],
    [['--contenders', '../koa/handback'], /not '\.\.\/koa\/handback'/],
    [['--contenders', 'listening'], /not 'listening'/],
    [['--contenders', ''], /not ''/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, () =>
      assert.throws(() => parseOptions([...args]), { constructor: UsageError, message: complaint }));
  }

  it('writes the table between its marks, and nothing else', () => {
    const options = parseOptions([]) as ProfileOptions;
    const [begin, end] = ['<!-- profile:start -->', '<!-- profile:end -->'];
    const written = withTable(`# Title\n\n${begin}\nold\n${end}\n\nmore\n`, 'TABLE', options);
    assert.match(
      written,
      new RegExp(`^# Title\n\n${begin}\n[^\n]*20000 requests[^\n]*\n\nTABLE\n${end}\n\nmore\n$`),
    );
    assert.throws(() => withTable('# Title', 'TABLE', options), /no place for the table/);
  });
});
