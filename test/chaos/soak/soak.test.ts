import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { eventually } from '@handback/contract/support/eventually.js';
import { UsageError } from '#scripts/lib/read-arguments.mjs';
import { skipLoudly } from '../../support/skip-loudly.js';
import { Random } from '../random.js';
import { parseOptions } from './options.js';
import { type Point, trendOf } from './regression.js';
import { soak } from './soak.js';
import { countStates, heldOf, parseSockets, socketsOf } from './sockets.js';
import {
  failuresOf,
  hoursToProve,
  judge,
  MEASURES,
  type Remains,
  type Sample,
  type Values,
} from './verdict.js';

const nothing: Remains = { closeWait: 0, leased: 0, pending: 0, violations: [], bank: [] };
const flat = Object.fromEntries(Object.keys(MEASURES).map((name) => [name, 10])) as Values;

/** A sample every 5 s for so long, with what `change` makes of a moment. */
function samplesOf(minutes: number, change: (hours: number) => Partial<Values>): Sample[] {
  return Array.from({ length: minutes * 12 }, (_, index) => {
    const hours = index / 720;
    return { hours, values: { ...flat, ...change(hours) } };
  });
}

const failures = (samples: Sample[]) => failuresOf(judge(samples), nothing);

describe('the trend of a soak', () => {
  it('is the slope of a line, whatever its height', () => {
    const points: Point[] = [0, 1, 2, 3].map((hours) => ({ hours, value: 100 + 7 * hours }));
    const { slope, standardError } = trendOf(points);
    assert.ok(Math.abs(slope - 7) < 1e-9);
    assert.ok(standardError < 1e-9);
  });

  it('is not known from less than three points, or from one moment', () => {
    assert.equal(trendOf([]).standardError, Number.POSITIVE_INFINITY);
    assert.equal(
      trendOf([1, 2].map((hours) => ({ hours, value: hours }))).standardError,
      Number.POSITIVE_INFINITY,
    );
    assert.equal(
      trendOf([1, 2, 3].map((value) => ({ hours: 1, value }))).standardError,
      Number.POSITIVE_INFINITY,
    );
  });

  it('is less certain where each point is like the one before', () => {
    const random = new Random(1);
    const steps = Array.from({ length: 200 }, () => random.share() - 0.5);
    const jumping = steps.map((value, index) => ({ hours: index, value }));
    let sum = 0;
    const wandering = steps.map((step, index) => {
      sum = 0.9 * sum + step;
      return { hours: index, value: sum };
    });
    const spreadOf = (points: Point[]) => Math.max(...points.map(({ value }) => Math.abs(value)));
    const relative = (points: Point[]) => trendOf(points).standardError / spreadOf(points);
    assert.ok(relative(wandering) > 2 * relative(jumping));
  });
});

describe('the verdict of a soak', () => {
  const noisy = (seed: number, mebibytes: number, slope = 0) => {
    const random = new Random(seed);
    return (hours: number) => ({
      'heap without code, MiB': 20 + slope * hours + mebibytes * (random.share() - 0.5),
    });
  };

  it('finds a leak of 4 MiB per hour under noise, in 20 minutes', () => {
    for (let seed = 1; seed <= 50; seed++) {
      assert.match(
        failures(samplesOf(20, noisy(seed, 0.6, 4))).join(),
        /^heap without code, MiB: [345]\.\d\d more per hour, 1 allowed$/,
      );
    }
  });

  it('takes noise for noise', () => {
    for (let seed = 1; seed <= 200; seed++) assert.deepEqual(failures(samplesOf(20, noisy(seed, 3))), []);
  });

  it('finds handles, listeners, sockets and prepared statements that pile up one by one', () => {
    for (const measure of Object.keys(MEASURES) as (keyof Values)[]) {
      const pilingUp = samplesOf(20, (hours) => ({ [measure]: 10 + Math.floor(hours * 30) }));
      const found = failures(pilingUp).join();
      if (Number.isFinite(MEASURES[measure])) assert.ok(found.startsWith(`${measure}: `), measure);
      else assert.equal(found, '', `${measure} is only told`);
    }
  });

  it('takes what it can not tell for not proven, and nothing that is not proven for a failure', () => {
    const heap = (minutes: number, mebibytes: number, slope = 0) => {
      const rows = judge(samplesOf(minutes, noisy(1, mebibytes, slope)));
      const [row] = rows;
      assert.deepEqual(failuresOf(rows, nothing), []);
      return { row, verdict: row?.verdict, hours: hoursToProve(rows, minutes / 60) };
    };
    assert.equal(heap(20, 0.6).verdict, 'flat');
    assert.equal(heap(20, 0.6).hours, 0);
    assert.equal(heap(20, 20).verdict, 'not proven');
    assert.equal(heap(20, 0.6, 1).verdict, 'not proven', 'so close to the limit');
    assert.equal(heap(2, 0).verdict, 'not proven', 'too short');
    assert.equal(heap(2, 0).hours, 5 / 60);
  });

  it('tells for how long to look until it is proven, nearly always', () => {
    let told = 0;
    let proven = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const rows = judge(samplesOf(20, noisy(seed, 8)));
      if (rows[0]?.verdict !== 'not proven') continue;
      told++;
      const minutes = 60 * hoursToProve(rows, 20 / 60);
      assert.ok(minutes >= 40);
      const [heap] = judge(samplesOf(Math.ceil(minutes), noisy(seed, 8)));
      if (heap?.verdict === 'flat') proven++;
    }
    assert.ok(told > 50, `${told} times told`);
    assert.ok(proven > 0.9 * told, `${proven} of ${told} times right`);
  });

  it('fails by a socket in CLOSE_WAIT, a lease, a violation, or the bank', () => {
    const rows = judge(samplesOf(20, () => ({})));
    assert.deepEqual(failuresOf(rows, nothing), []);
    const left: Partial<Remains>[] = [
      { closeWait: 1 },
      { leased: 1 },
      { pending: 1 },
      { violations: ['I1: two requests'] },
      { bank: ['the total'] },
    ];
    for (const remains of left) assert.equal(failuresOf(rows, { ...nothing, ...remains }).length, 1);
  });
});

describe('the sockets of a soak', () => {
  it('are read from the tables of the kernel', () => {
    const text = `  sl  local_address rem_address   st tx_queue
   0: 0100007F:1F90 0100007F:C350 01 00000000:00000000
   1: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:C351 08 00000000:00000000
   2: 0100007F:1F90 0100007F:C352 06 00000000:00000000
`;
    assert.deepEqual(parseSockets(text), [
      { localPort: 8080, remotePort: 50_000, state: 'ESTABLISHED' },
      { localPort: 8080, remotePort: 50_001, state: 'CLOSE_WAIT' },
      { localPort: 8080, remotePort: 50_002, state: 'TIME_WAIT' },
    ]);
    assert.equal(heldOf(countStates(parseSockets(text))), 2, 'one in TIME_WAIT is held by nobody');
  });

  it('show one that the other side has closed and nobody here', async function () {
    if (!(await socketsOf(1, 1))) skipLoudly(this, 'the sockets of a soak', 'they are in no table here');
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    try {
      await eventually(async () => assert.equal((await socketsOf(1, port))?.database.CLOSE_WAIT, 1));
    } finally {
      client.destroy();
      server.close();
    }
  });
});

describe('npm run soak', () => {
  it('serves, measures and leaves nothing behind', async function () {
    this.timeout(60_000);
    const options = { minutes: 0.05, framework: 'koa', seed: 5, heapLimit: 1 } as const;
    const { remains, samples, rows } = await soak(options, () => {}, new AbortController().signal);
    assert.deepEqual(remains, nothing);
    assert.ok(samples.length > 2);
    assert.equal(rows.length, Object.keys(MEASURES).length);
    const { values } = samples.at(-1) as Sample;
    for (const measure of [
      'heap without code, MiB',
      'handles',
      'listeners',
      'sockets to the database',
    ] as const)
      assert.ok(values[measure] > 0, measure);
  });

  it('ends early when it is interrupted', async function () {
    this.timeout(60_000);
    const options = { minutes: 10, framework: 'express', seed: 5, heapLimit: 1 } as const;
    const reason = new Error('interrupted');
    await assert.rejects(
      soak(options, () => {}, AbortSignal.abort(reason)),
      reason,
    );
  });

  it('takes fractions of minutes', () => {
    const options = parseOptions([
      '--minutes',
      '0.5',
      '--framework',
      'express',
      '--seed',
      '7',
      '--heap-limit',
      '2',
    ]);
    assert.deepEqual(options, { minutes: 0.5, framework: 'express', seed: 7, heapLimit: 2 });
  });

  for (const [args, complaint] of [
    [['--minute', '3'], /'--minute'[\s\S]*--minutes N/],
    [['--minutes', '0'], /--minutes takes a number above 0/],
    [['--framework', 'hapi'], /--framework takes one of fastify, .*, not hapi/],
    [['--seed', '1.5'], /--seed takes a whole number, not 1\.5/],
    [['--heap-limit', '0'], /--heap-limit takes a number above 0, not 0/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions([...args]), { constructor: UsageError, message: complaint });
    });
  }
});
