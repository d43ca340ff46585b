import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { createPool, HandbackError } from '@handback/core';
import type { Case, CaseHarness, Options } from '../harness.js';
import { databaseUrl, databaseUrlWith, password } from '../support/database.js';

interface Wrong {
  what: string;
  options: () => Options;
  /** What the message must say: the option, the type of its value, what is allowed. */
  says: RegExp[];
  /** An option of the plugin, which createPool() does not have. */
  ofPlugin?: true;
}

const uri = databaseUrl;

const wrongs: Wrong[] = [
  { what: 'an unknown option', options: () => ({ uri: uri(), maximum: 3 }), says: [/maximum/, /unknown/i] },
  {
    what: 'a string for a number',
    options: () => ({ uri: uri(), max: '10' }),
    says: [/max/, /string/, /integer|number/],
  },
  { what: 'max: 0', options: () => ({ uri: uri(), max: 0 }), says: [/max/, /1/] },
  { what: 'max: NaN', options: () => ({ uri: uri(), max: Number.NaN }), says: [/max/, /NaN|number/] },
  { what: 'max: 2.5', options: () => ({ uri: uri(), max: 2.5 }), says: [/max/, /integer|whole/] },
  {
    what: 'a negative duration',
    options: () => ({ uri: uri(), idleTimeoutMs: -1 }),
    says: [/idleTimeoutMs/, /0/],
  },
  {
    what: 'a duration in words',
    options: () => ({ uri: uri(), drainTimeoutMs: '5s' }),
    says: [/drainTimeoutMs/, /string/],
  },
  { what: 'minIdle > max', options: () => ({ uri: uri(), max: 2, minIdle: 3 }), says: [/minIdle/, /max/] },
  {
    what: 'a wrong choice',
    options: () => ({ uri: uri(), reuse: 'random' }),
    says: [/reuse/, /lifo/, /fifo/],
  },
  {
    what: 'a wrong releaseOn',
    options: () => ({ uri: uri(), releaseOn: 'later' }),
    says: [/releaseOn/, /end/, /finish/],
    ofPlugin: true,
  },
  {
    what: 'a wrong afterResponse',
    options: () => ({ uri: uri(), afterResponse: true }),
    says: [/afterResponse/, /allow/],
    ofPlugin: true,
  },
  {
    what: 'a wrong as',
    options: () => ({ uri: uri(), as: 7 }),
    says: [/\bas\b/, /number/, /string/],
    ofPlugin: true,
  },
  {
    what: 'a wrong skip',
    options: () => ({ uri: uri(), skip: '/health' }),
    says: [/skip/, /string/, /function/],
    ofPlugin: true,
  },
  { what: 'no uri', options: () => ({}), says: [/uri/, /connection/] },
  { what: 'a uri that is a number', options: () => ({ uri: 42 }), says: [/uri/, /number/, /string/] },
  { what: 'a uri that is none', options: () => ({ uri: 'localhost/shop' }), says: [/uri/, /mysql:/] },
  {
    what: 'a uri of another database',
    options: () => ({ uri: databaseUrlWith({ protocol: 'postgres:' }) }),
    says: [/uri/, /mysql:/],
  },
];

/** The checks that hold for every HandbackError about options. */
function isAbout(error: unknown, says: RegExp[]): void {
  assert.ok(error instanceof HandbackError, `not a HandbackError: ${inspect(error)}`);
  assert.equal(error.code, 'INVALID_OPTION');
  for (const expected of says) assert.match(error.message, expected);
  assert.ok(
    !inspect(error, { depth: 10, showHidden: true }).includes(password()),
    'the password is in the error',
  );
}

async function refusal(harness: CaseHarness, options: Options): Promise<unknown> {
  try {
    const app = await harness.start({ routes: [], plugins: [options] });
    await app.close();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: 'the app started' });
}

const atConstruction = wrongs.map(
  ({ what, options, says }): Case => ({
    name: `${what} is an INVALID_OPTION at start-up that says what is allowed`,
    run: async (harness) => isAbout(await refusal(harness, options()), says),
  }),
);

const inRoutes: Case = {
  name: "an unknown option of a route is an INVALID_OPTION at start-up, and so is a pool's option there",
  async run(harness) {
    for (const [option, value] of Object.entries({ drainTimeout: 5, max: 3 })) {
      const routes = [{ path: '/work', options: { [option]: value }, handler: () => {} }];
      const started = harness.start({ routes, plugins: [{ uri: uri() }] });
      const error = await started.then(
        (app) => app.close(),
        (reason) => reason,
      );
      isAbout(error, [new RegExp(option)]);
    }
  },
};

/** createPool() is the same for all frameworks; it is held to the same list once, beside them. */
export const badPoolOptions: Array<{ name: string; run(): void }> = wrongs
  .filter(({ ofPlugin }) => !ofPlugin)
  .map(({ what, options, says }) => ({
    name: `createPool() refuses ${what}`,
    run() {
      assert.throws(
        () => createPool(options() as never),
        (error) => {
          isAbout(error, says);
          return true;
        },
      );
    },
  }));

export const badOptions: Case[] = [...atConstruction, inRoutes];
