import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lowest first: a file may import its own layer and those before it. */
const LAYERS: readonly (readonly [layer: string, ...files: string[]])[] = [
  [
    'words',
    'abort',
    'admissions',
    'call-site',
    'channel-watch',
    'channels',
    'clock',
    'driver',
    'error-classes',
    'errors',
    'events',
    'linked-list',
    'neutral',
    'owner',
    'refusals',
    'states',
  ],
  [
    'values',
    ...[
      'answer',
      'asker',
      'connection-source',
      'entry',
      'evictor',
      'foreign-names',
      'grants',
      'hot-names',
      'idle-list',
      'lease-facts',
      'leftovers',
      'lexer',
      'mask',
      'moment',
      'option-rules',
      'options',
      'params',
      'overload',
      'pending',
      'placeholders',
      'query-log',
      'read-options',
      'request-options',
      'schema-reach',
      'server-identity',
      'server-run',
      'session-changes',
      'stack-sample',
      'statement-tag',
      'session',
      'snapshot',
    ],
    ...['sql', 'sql-plain', 'sql-transaction', 'sql-words', 'view-text'],
    ...['transaction-options', 'transaction-record', 'waiting-line'],
  ],
  [
    'rules',
    ...[
      'acquire-reports',
      'async-stack',
      'backoff',
      'canceller',
      'commit',
      'closer',
      'control',
      'deadlock',
      'double-acquire',
      'drainer',
      'endings',
      'ghosts',
      'initializer',
      'knowledge',
      'late-reports',
      'lease',
      'lease-deadlines',
      'lease-handle',
      'lease-host',
      'lease-limits',
      'line',
      'on-connect',
      'open-failures',
      'opener',
      'pipelining',
    ],
    ...['policy', 'queryable', 'queue', 'report', 'reporter', 'renewal', 'resetter', 'row-stream'],
    ...['lease-transactions', 'retries', 'shutdown', 'slots', 'statement', 'statement-trace'],
    ...['transaction-run', 'transaction-trace'],
    ...['proxy', 'server-facts', 'stats', 'supply', 'transaction', 'trust', 'turn', 'validator', 'watch'],
  ],
  [
    'flow',
    'acquirers',
    'circumstances',
    'crowd',
    'doors',
    'landlord',
    'pool',
    'rooms',
    'turnstile',
    'upkeep',
    'warming',
  ],
  [
    'request',
    ...['claims', 'current-db', 'departure', 'job', 'late-rules', 'lifecycle', 'losses', 'request-end'],
    ...['request-transaction', 'scope', 'scope-context', 'tenure'],
  ],
  [
    'edge',
    ...[
      'drivers/mysql2',
      'drivers/mysql2-callbacks',
      'drivers/mysql2-charsets',
      'drivers/mysql2-config',
      'drivers/mysql2-connection',
      'drivers/mysql2-error-names',
      'drivers/mysql2-execute',
      'drivers/mysql2-gate',
      'drivers/mysql2-internals',
      'drivers/mysql2-login',
      'drivers/mysql2-session',
      'drivers/mysql2-files',
      'drivers/mysql2-format',
      'drivers/mysql2-hazards',
      'drivers/mysql2-tls',
    ],
    ...[
      'drivers/mysql2-narrow',
      'drivers/mysql2-packets',
      'drivers/mysql2-pipeline',
      'drivers/mysql2-shapes',
      'drivers/mysql2-statements',
      'drivers/mysql2-status',
      'drivers/mysql2-tag',
      'held-pieces',
      'answer-arguments',
      'answer-gate',
      'held-response',
      'http',
      'long-lived',
      'response-head',
    ],
  ],
  [
    'joining',
    'answering',
    'connection-pool',
    'create',
    'index',
    'middleware',
    'persistent',
    'plugin',
    'request-context',
    'request-id',
  ],
];

/** What an adapter may import beside core and its own files. */
const FRAMEWORKS: Readonly<Record<string, readonly string[]>> = {
  fastify: ['fastify', 'fastify-plugin'],
  express: ['express'],
  koa: ['koa'],
  http: [],
};

/** Node has no routes and answers for no handler, so this adapter does. */
const BESIDE_THE_USUAL: Readonly<Record<string, readonly string[]>> = {
  express: ['mounts'],
  http: ['failure', 'routes'],
};

/** Packages that look on, and the library each puts what it sees into. */
const OBSERVERS: Readonly<Record<string, string>> = {
  prometheus: 'prom-client',
  opentelemetry: '@opentelemetry/api',
};

interface Import {
  readonly from: string;
  /** Nothing of it is left when the types are gone. */
  readonly typeOnly: boolean;
}

const PACKAGES = fileURLToPath(new URL('../../../packages/', import.meta.url));
const FROM = /^(import|export)\s+(type\s+)?([^'";]*?)\s*\bfrom\s*'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'|\bimport\s*\(\s*'([^']+)'\s*\)|\brequire\s*\(\s*'([^']+)'\s*\)/gm;

function importsOf(source: string): Import[] {
  const found: Import[] = [];
  for (const [, , type, names = '', from = ''] of source.matchAll(FROM)) {
    const each = names
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim());
    const allTypes = each.filter(Boolean).every((name) => name.startsWith('type '));
    found.push({ from, typeOnly: type !== undefined || (names.includes('{') && allTypes) });
  }
  for (const [, plain, dynamic, required] of source.matchAll(BARE)) {
    found.push({ from: plain ?? dynamic ?? required ?? '', typeOnly: false });
  }
  return found;
}

/** The files of a package's src, without `.ts`, and their text. */
function sourcesOf(name: string): Map<string, string> {
  const src = join(PACKAGES, name, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return new Map(
    files
      .sort()
      .map((file) => [file.slice(0, -3).replaceAll('\\', '/'), readFileSync(join(src, file), 'utf8')]),
  );
}

const core = sourcesOf('core');
const layerOf = new Map(
  LAYERS.flatMap(([layer, ...files], level) => files.map((file) => [file, { layer, level }] as const)),
);

describe('layers of core', () => {
  it('every file is in one, and every file that is in one exists', () => {
    const listed = LAYERS.flatMap(([, ...files]) => files);
    assert.equal(new Set(listed).size, listed.length, 'a file is in two layers');
    assert.deepEqual(
      [...core.keys()].filter((file) => !layerOf.has(file)),
      [],
      'without a layer: decide where it belongs, and write it down above',
    );
    assert.deepEqual(
      listed.filter((file) => !core.has(file)),
      [],
      'gone: take it out of the table above',
    );
  });

  for (const [file, source] of core) {
    it(`${file} imports only downward`, () => {
      const own = layerOf.get(file) ?? assert.fail('it has no layer');
      for (const { from } of importsOf(source).filter((each) => each.from.startsWith('.'))) {
        const target = normalize(join(file, '..', from))
          .replaceAll('\\', '/')
          .replace(/\.js$/, '');
        const other =
          layerOf.get(target) ?? assert.fail(`${file} imports ${target}, which is not in core/src`);
        assert.ok(
          other.level <= own.level,
          `${file} (${own.layer}) imports ${target} (${other.layer}), which is above it: pass in a function instead`,
        );
      }
    });

    it(`${file} needs nothing but Node and, in drivers/, mysql2`, () => {
      for (const { from, typeOnly } of importsOf(source).filter((each) => !each.from.startsWith('.'))) {
        if (from.startsWith('node:')) continue;
        assert.match(from, /^mysql2(\/|$)/, `${file} imports ${from}`);
        assert.ok(
          typeOnly || file.startsWith('drivers/'),
          `${file} imports mysql2 at run time: what is needed of a driver is in driver.ts, so that tests can put a fake in its place`,
        );
      }
    });
  }

  it('slots.ts alone writes the state of an entry', () => {
    const writers = [...core]
      .filter(([, source]) => /\.state\s*=(?![=>])/.test(source))
      .map(([file]) => file);
    assert.deepEqual(writers, ['slots'], 'go through Slots.move: the counts follow from it');
  });
});

describe('adapters', () => {
  for (const [name, frameworks] of Object.entries(FRAMEWORKS)) {
    it(`${name} sees its framework and core’s index, nothing else`, () => {
      for (const [file, source] of sourcesOf(name)) {
        for (const { from } of importsOf(source)) {
          const allowed = /^(\.\/|node:http2?$|@handback\/core$)/.test(from) || frameworks.includes(from);
          assert.ok(allowed, `${name}/${file} imports ${from}`);
        }
      }
    });
  }

  it('have the same file names', () => {
    const [first, ...others] = Object.keys(FRAMEWORKS).map((name) =>
      [...sourcesOf(name).keys()].filter((file) => !BESIDE_THE_USUAL[name]?.includes(file)),
    );
    for (const other of others) assert.deepEqual(other, first);
  });

  it('are all here', () => {
    const packages = readdirSync(PACKAGES).filter((name) => existsSync(join(PACKAGES, name, 'package.json')));
    assert.deepEqual(
      packages.sort(),
      ['cli', 'contract', 'core', ...Object.keys(OBSERVERS), ...Object.keys(FRAMEWORKS)].sort(),
    );
  });
});

describe('observers', () => {
  for (const [name, library] of Object.entries(OBSERVERS)) {
    it(`${name} sees ${library} and core’s index, nothing else`, () => {
      for (const [file, source] of sourcesOf(name)) {
        for (const { from } of importsOf(source))
          assert.ok(
            /^(\.\/|node:|@handback\/core$)/.test(from) || from === library,
            `${name}/${file} imports ${from}`,
          );
      }
    });
  }

  it('are known to nobody whom they watch', () => {
    for (const name of ['core', ...Object.keys(FRAMEWORKS)]) {
      for (const [file, source] of sourcesOf(name)) {
        const imported = importsOf(source).map(({ from }) => from);
        assert.deepEqual(
          imported.filter((from) => /prometheus|opentelemetry|prom-client/.test(from)),
          [],
          `${name}/${file}`,
        );
      }
    }
  });
});

describe('the contract suite', () => {
  it('sees core’s index and the driver, no framework and no test runner', () => {
    for (const [file, source] of sourcesOf('contract')) {
      for (const { from } of importsOf(source)) {
        const allowed = /^(\.\.?\/|node:|mysql2\/promise$|@handback\/core$)/.test(from);
        assert.ok(allowed && from !== 'node:test', `contract/${file} imports ${from}`);
      }
    }
  });
});
