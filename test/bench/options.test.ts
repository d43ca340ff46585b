import assert from 'node:assert/strict';
import { parseArguments } from '#bench/main.js';
import { commandOf, parseOptions, usage } from '#bench/options.js';
import { partNames } from '#bench/part.js';
import { parts } from '#bench/parts.js';
import { rowsOf } from '#bench/rows.js';
import { UsageError } from '#scripts/lib/read-arguments.mjs';

describe('npm run bench: options', () => {
  it('is by default every part, in five rounds, and keeps nothing', () => {
    assert.deepEqual(parseOptions([]), {
      parts: [...partNames],
      rows: undefined,
      check: false,
      save: false,
      readme: false,
      json: undefined,
      rounds: 5,
    });
  });

  it('takes parts in any order, and runs them in that of the table', () => {
    const options = parseOptions(['overload', 'micro', '--check', '--rounds', '3', '--json', 'a.json']);
    assert.deepEqual(options?.parts, ['micro', 'overload']);
    assert.equal(options?.check, true);
    assert.equal(options?.rounds, 3);
    assert.equal(options?.json, 'a.json');
  });

  it('takes rows, and runs their parts alone', () => {
    const options = parseOptions(['--row', '7', '--row', '1']);
    assert.deepEqual(options?.rows, [7, 1]);
    assert.deepEqual(options?.parts, ['micro', 'request']);
    assert.deepEqual(parseOptions(['micro', '--row', '7', '--row', '1'])?.parts, ['micro']);
  });

  it('has help, which names each part', () => {
    assert.equal(parseOptions(['--help', '--rounds', '0']), undefined);
    for (const part of partNames) assert.match(usage, new RegExp(`^ {2}${part} `, 'm'));
  });

  it('says how to measure the same again', () => {
    for (const command of [
      'npm run bench',
      'npm run bench -- micro faults',
      'npm run bench -- --rounds 9',
      'npm run bench -- --row 7',
    ]) {
      const options = parseOptions(command.split(' ').slice(4));
      assert.ok(options);
      assert.equal(commandOf(options), command);
    }
  });

  for (const [args, complaint] of [
    [['macro'], /no part "macro": micro, request/],
    [['micro', 'x', 'y'], /no part "x", "y"/],
    [['--round', '3'], /'--round'[\s\S]*--rounds N/],
    [['--rounds', '0'], /--rounds must be a whole number/],
    [['--rounds', '2.5'], /"2\.5"/],
    [['--row', '17'], /--row must be one of the rows with a target, .* is "17"/],
    [['--row', '7', '--save'], /--save keeps the results of a whole run/],
    [['faults', '--row', '7'], /no part named here has row 7/],
    [['micro', '--save'], /--save keeps the results of a whole run/],
    [['--readme', '--check'], /--readme measures nothing/],
    [['--readme', 'micro'], /--readme measures nothing/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions([...args]), { constructor: UsageError, message: complaint });
    });
  }

  it('refuses a file for the results that can’t be written before anything is measured', () => {
    const said: unknown[] = [];
    const { error } = console;
    console.error = (text) => said.push(text);
    try {
      assert.equal(parseArguments(['--json', '/no/such/directory/results.json']), 2);
    } finally {
      console.error = error;
    }
    assert.match(String(said), /--json: .*results\.json can't be written: ENOENT/);
  });

  it('has a part for each of the sixteen rows', () => {
    assert.deepEqual(
      parts.map(({ name }) => name),
      partNames,
    );
    assert.deepEqual(
      partNames.flatMap(rowsOf).sort((a, b) => a - b),
      Array.from({ length: 16 }, (_, i) => i + 1),
    );
  });
});
