import { parseArgs } from 'node:util';
import { parseOptionsOf } from '../lib/read-arguments.mjs';

const flag = /** @type {const} */ ({ type: 'boolean' });
const text = /** @type {const} */ ({ type: 'string', multiple: true });

/** Those of mocha's that are of use here. Others are refused: mocha itself ignores what it doesn't know. */
const options = /** @type {const} */ ({
  grep: { ...text, short: 'g' },
  fgrep: { ...text, short: 'f' },
  ignore: text,
  invert: { ...flag, short: 'i' },
  bail: { ...flag, short: 'b' },
  'dry-run': flag,
  retries: text,
  timeout: { ...text, short: 't' },
  slow: { ...text, short: 's' },
  'forbid-only': flag,
  'forbid-pending': flag,
  'full-trace': flag,
  'inline-diffs': flag,
  diff: flag,
  color: { ...flag, short: 'c' },
  exit: flag,
  require: { ...text, short: 'r' },
  'node-option': { ...text, short: 'n' },
});
const how = { allowPositionals: true, allowNegative: true, options };

export const usage = `Usage: npm test [-- test files or folders… options of mocha]

Runs the tests named, or all of them, on a throwaway database server.

  npm test -- test/core                  a folder of them
  npm test -- test/core/leaks.test.ts    a file of them
  -g, --grep TEXT     those alone whose name matches; also -f, --fgrep, -i, --invert and --ignore FILES
  -b, --bail          end with the first that fails
  -t, --timeout MS    for each; 0: none
  -n, --node-option   of the Node that runs them
  -h, --help          this

Of mocha's other options it takes ${['retries', 'slow', 'dry-run', 'full-trace', 'require'].map((name) => `--${name}`).join(', ')}, and --no-… where there is a no.
HANDBACK_DATABASE_URL: a server to use instead. HANDBACK_TIMES=10: what is repeated is repeated ten times as often.`;

/**
 * @param {string[]} args
 * @returns {string[] | undefined} the same, for mocha; undefined when only help is asked for. @throws {UsageError}
 */
export function parseTestArguments(args) {
  return parseOptionsOf(args, usage, how).values.help ? undefined : args;
}

/** Which of the arguments are neither options nor their values. @param {string[]} args @returns {number[]} */
export function placesOfFiles(args) {
  const { tokens } = parseArgs({ ...how, args, strict: false, tokens: true });
  return tokens.filter(({ kind }) => kind === 'positional').map(({ index }) => index);
}
