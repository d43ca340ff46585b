import { strict as assert } from 'node:assert';
import { handback } from '../handback.js';

const plan = (...args: string[]) => handback(['plan', ...args]);
const INCIDENT = ['--processes', '20x32', '--max', '200', '--server-max', '1600'];

describe('handback plan', () => {
  it('shows the sum that went wrong, what would fit, and who waits then; exit code 1', async () => {
    const { code, stdout, stderr } = await plan(...INCIDENT);
    assert.deepEqual([code, stderr], [1, '']);
    for (const expected of [
      /^20 x 32 x 200 = 128,000 > 1,600$/m,
      /^It does not fit\. A max of 1 does, 160 connections left\.$/m,
      /wanted +640 x 201 +128,640$/m,
      /server +1,600 - 160 \(reserve 10%\) +1,440$/m,
      /missing +127,200$/m,
      /up to 720 processes \(720 x 2 = 1,440\)\. With more of them only a proxy fits\./,
      /^ +50 % +32,000 +50 % +10 ms +46\.1 ms +78\.2 ms +320 +\d/m,
      /1,440 connections, shared by all processes through a proxy/,
    ])
      assert.match(stdout, expected);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are for terminals
    assert.doesNotMatch(stdout, /\u001b/);
  });

  it('says that a rolling restart leaves only a proxy', async () => {
    const { code, stdout } = await plan(...INCIDENT, '--rolling');
    assert.equal(code, 1);
    assert.match(stdout, /rolling restart +\+ 640 new ones beside the old \(100%\) +1,280$/m);
    assert.match(stdout, /no max does: not even 1 in each of 640 processes\./);
    assert.match(stdout, /Better: a proxy/);
  });

  it('ends with 0 for what fits and carries its load', async () => {
    const { code, stdout } = await plan(
      ...['--processes', '4', '--max', '10', '--server-max', '151', '--rate', '500'],
    );
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^It fits: 44 of 135 connections, 91 left\. 500 requests per second are carried\.$/m,
    );
  });

  it('names the max that carries a load for which the one asked for is too small', async () => {
    const { code, stdout } = await plan(
      ...['--processes', '4', '--max', '2', '--server-max', '151', '--rate', '1000'],
    );
    assert.equal(code, 1);
    assert.match(stdout, /a max of 2 is too small for it\.\nWith a max of 3 they fit too\./);
    assert.match(stdout, /200 requests per second too many/);
  });

  it('gives programs all of it, the same each time', async () => {
    const first = await plan(...INCIDENT, '--json');
    const { verdict, fits, connections, spreads } = JSON.parse(first.stdout);
    assert.deepEqual([first.code, verdict, fits], [1, 'lower-max', false]);
    assert.deepEqual(connections, {
      peakProcesses: 640,
      perProcess: 201,
      wanted: 128_640,
      available: 1_440,
      fits: false,
      left: -127_200,
      maxThatFits: 1,
      leftWithThat: 160,
      processesThatFit: 7,
      processesAtMostEver: 720,
    });
    assert.deepEqual(
      spreads.map(({ kind, pools, lines }: { kind: string; pools: unknown; lines: unknown[] }) => [
        kind,
        pools,
        lines.length,
      ]),
      [
        ['fits', { count: 640, max: 1 }, 6],
        ['shared', { count: 1, max: 1_440 }, 6],
      ],
    );
    assert.equal((await plan(...INCIDENT, '--json')).stdout, first.stdout);
  });

  it('refuses what it can not read with 2 and the form it takes', async () => {
    const { code, stdout, stderr } = await plan('--processes', 'many', '--max', '1', '--server-max', '9');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /--processes is a whole number or a product of whole numbers: 640, 20x32/);
    assert.match(stderr, /handback plan --help/);
  });
});
