import { strict as assert } from 'node:assert';
import { parseArguments } from '#cli/arguments.js';
import { UsageError } from '#cli/exit-codes.js';
import { normalize, PLAN_OPTIONS, readInput } from '#cli/plan/input.js';

const read = (...args: string[]) => {
  const { values, positionals } = parseArguments(normalize(args), PLAN_OPTIONS);
  return readInput(values, positionals);
};
const NEEDED = ['--processes', '20x32', '--max', '200', '--server-max', '1600'];

describe("plan's input", () => {
  it('takes products and numbers as people write them', () => {
    for (const written of [
      ['20x32'],
      ['20 x 32'],
      ['20', 'x', '32'],
      ['20*32'],
      ['20×32'],
      ['20X32'],
      ['640'],
    ]) {
      const { demand } = read('--processes', ...written, '--max', '200', '--server-max', '1,600');
      assert.deepEqual([demand.processes, demand.serverMax], [640, 1_600], written.join(' '));
    }
    assert.equal(read('--processes', '2x3x4', '--max', '1', '--server-max', '9').demand.processes, 24);
    assert.equal(read(...NEEDED).processes.text, '20 x 32');
  });

  it('reserves a tenth, another share rounded up, or a number', () => {
    const reserved = (...args: string[]) => read(...NEEDED, ...args).demand.reserve;
    assert.deepEqual(
      [
        reserved(),
        reserved('--reserve', '12.5%'),
        reserved('--reserve', '0.1%'),
        reserved('--reserve', '35'),
      ],
      [160, 200, 2, 35],
    );
    assert.equal(reserved('--reserve', '0'), 0);
  });

  it('takes --rolling alone, with a share, and before other options', () => {
    const rolling = (...args: string[]) => read(...args).demand.rolling;
    assert.deepEqual(
      [
        rolling(...NEEDED),
        rolling(...NEEDED, '--rolling'),
        rolling(...NEEDED, '--rolling', '25%'),
        rolling(...NEEDED, '--rolling=25%'),
        rolling('--rolling', ...NEEDED),
      ],
      [0, 1, 0.25, 0.25, 1],
    );
  });

  it('takes the load in all or for each process, the hold time as a whole or by its queries', () => {
    const load = (...args: string[]) => read(...NEEDED, ...args).load;
    assert.equal(load().rate, undefined);
    assert.equal(load('--rate', '5,000').rate, 5_000);
    assert.equal(load('--rate-per-process', '0.5').rate, 320);
    assert.equal(load('--hold-ms', '2.5').holdMs, 2.5);
    assert.equal(load('--query-ms', '2', '--queries', '5').holdMs, 10);
    assert.equal(read(...NEEDED).holdAssumed, true);
    assert.equal(read(...NEEDED, '--query-ms', '2').holdAssumed, false);
  });

  it('says of what is wrong or missing how it is written', () => {
    const cases: [args: string[], message: RegExp][] = [
      [[], /--processes is missing: how many processes, 640 or 20x32/],
      [['--processes', '640'], /--max is missing/],
      [['--processes', '640', '--max', '2'], /--server-max is missing.*@@max_connections/],
      [[...NEEDED, '640'], /plan takes options only/],
      [[...NEEDED, '--processes', 'many'], /--processes is a whole number or a product.*20x32/],
      [[...NEEDED, '--processes', '20x'], /--processes is a whole number or a product/],
      [[...NEEDED, '--processes', '0x4'], /--processes is at least 1/],
      [[...NEEDED, '--processes', '2.5'], /--processes is a whole number/],
      [[...NEEDED, '--max', '0'], /--max is at least 1/],
      [[...NEEDED, '--max', '100001'], /--max is at most 100,000/],
      [[...NEEDED, '--server-max', '1,6'], /--server-max is a whole number/],
      [[...NEEDED, '--reserve', 'some'], /--reserve is a share or a whole number of connections: 10%, 160/],
      [[...NEEDED, '--reserve', '101%'], /--reserve is at most 100%/],
      [[...NEEDED, '--reserve', '1600'], /leaves nothing of 1600/],
      [[...NEEDED, '--rolling', '25'], /--rolling is a share in percent: 25%/],
      [[...NEEDED, '--rate', '0'], /--rate is a number above 0, requests per second/],
      [[...NEEDED, '--rate', '1', '--rate-per-process', '1'], /give one of them/],
      [[...NEEDED, '--hold-ms', '1', '--query-ms', '1'], /--query-ms and --queries stand in its place/],
      [[...NEEDED, '--queries', '3'], /--queries needs --query-ms/],
      [[...NEEDED, '--cv', '11'], /--cv is 0, or a number from 0\.1 to 10/],
      [[...NEEDED, '--wait-ms', 'long'], /--wait-ms is a number of milliseconds/],
      [[...NEEDED, '--wait-ms', '9'.repeat(400)], /--wait-ms is a number of milliseconds/],
      [[...NEEDED, '--what'], /what/],
    ];
    for (const [args, message] of cases) {
      assert.throws(
        () => read(...args),
        (error: Error) => error instanceof UsageError && message.test(error.message),
        args.join(' '),
      );
    }
  });
});
