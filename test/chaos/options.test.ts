import assert from 'node:assert/strict';
import { UsageError } from '#scripts/lib/read-arguments.mjs';
import { parseOptions, usage } from './options.js';
import { contenders, faultNames, frameworks } from './types.js';

describe('npm run chaos: options', () => {
  it('is by default everything, for twenty minutes, with a new seed each time', () => {
    const [options, other] = [parseOptions([]), parseOptions([])];
    assert.ok(options && other);
    const { seed, ...rest } = options;
    assert.deepEqual(rest, {
      minutes: 20,
      frameworks: [...frameworks],
      contenders: [...contenders],
      faults: [...faultNames],
      json: undefined,
    });
    assert.notEqual(seed, other.seed);
  });

  it('takes lists in any order', () => {
    const options = parseOptions(
      '--seed 7 --minutes 1.5 --framework koa,fastify --contender handback --faults kill,rst --json a'.split(
        ' ',
      ),
    );
    assert.deepEqual(options, {
      minutes: 1.5,
      seed: 7,
      frameworks: ['fastify', 'koa'],
      contenders: ['handback'],
      faults: ['rst', 'kill'],
      json: 'a',
    });
  });

  it('has help, which names each fault', () => {
    assert.equal(parseOptions(['--help', '--minutes', '0']), undefined);
    for (const fault of faultNames) assert.match(usage, new RegExp(`\\b${fault}\\b`));
  });

  for (const [args, complaint] of [
    [['--minute', '3'], /'--minute'[\s\S]*--minutes N/],
    [['fast'], /'fast'/],
    [['--minutes', '0'], /--minutes must be a number above 0, of at most 10080, and is "0"/],
    [['--minutes', '40000'], /"40000"/],
    [['--minutes', 'Infinity'], /"Infinity"/],
    [['--minutes', 'soon'], /"soon"/],
    [['--seed', '1.5'], /--seed must be a whole number/],
    [['--framework', 'hapi,koa'], /--framework knows no "hapi": fastify, express, koa/],
    [['--contender', 'knex'], /--contender knows no "knex"/],
    [['--faults', 'kil'], /--faults knows no "kil"/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions([...args]), { constructor: UsageError, message: complaint });
    });
  }
});
