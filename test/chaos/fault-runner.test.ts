import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { catalogue } from './faults/catalogue.js';
import { type Definition, type Fault, fault } from './faults/fault.js';
import { runFaults } from './faults/runner.js';
import type { Stage } from './faults/stage.js';
import { Random } from './random.js';
import type { FaultName } from './types.js';

/** Of no server and no proxy: the faults here only write down what happens to them. */
describe('running faults', () => {
  let log: string[];
  let errors: string[];
  let stage: Stage;

  beforeEach(() => {
    log = [];
    errors = [];
    stage = { onError: (error: unknown) => errors.push(String(error)) } as Partial<Stage> as Stage;
  });

  const define = (name: FaultName, changes: Partial<Definition> = {}): Fault =>
    fault({
      name,
      start: () => void log.push(`${name} starts`),
      heal: () => void log.push(`${name} heals`),
      ...changes,
    });
  const faultsWith = (...faults: Fault[]) =>
    ({ ...catalogue, ...Object.fromEntries(faults.map((one) => [one.name, one])) }) as typeof catalogue;
  const fail = (message: string) => () => {
    log.push(message);
    throw new Error(message);
  };
  const random = new Random(1);

  describe('a fault', () => {
    it('heals once, however often it is told to', async () => {
      const heal = await define('delay').inject(stage, random);
      await heal();
      await heal();
      assert.deepEqual(log, ['delay starts', 'delay heals']);
    });

    it('heals when its start fails, and says why it failed', async () => {
      const broken = define('delay', { start: fail('no start') });
      await assert.rejects(broken.inject(stage, random), /no start/);
      assert.deepEqual(log, ['no start', 'delay heals']);
    });

    it('says both when the start and the healing fail', async () => {
      const broken = define('delay', { start: fail('no start'), heal: fail('no heal') });
      await assert.rejects(broken.inject(stage, random), (error: AggregateError) => {
        assert.deepEqual(error.errors.map(String), ['Error: no start', 'Error: no heal']);
        return true;
      });
    });

    it('can be healed again after that failed', async () => {
      let attempts = 0;
      const heal = await define('delay', {
        heal: () => {
          attempts += 1;
          if (attempts === 1) throw new Error('not yet');
        },
      }).inject(stage, random);
      await assert.rejects(heal(), /not yet/);
      await heal();
      await heal();
      assert.equal(attempts, 2);
    });

    it('goes on until it is healed, also after an error, which is reported', async () => {
      let times = 0;
      const heal = await define('kill', {
        start: (_stage, _random, during) =>
          during.repeat(
            () => 1,
            () => {
              times += 1;
              if (times === 2) throw new Error('once');
            },
          ),
      }).inject(stage, random);
      await eventually(() => assert.ok(times > 3));
      await heal();
      const last = times;
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(times, last);
      assert.deepEqual(errors, ['Error: once']);
    });

    it('does not wait for its next time when it is healed', async () => {
      const heal = await define('kill', {
        start: (_stage, _random, during) => during.repeat(() => 600_000, fail('too late')),
      }).inject(stage, random);
      await heal();
      assert.deepEqual(log, ['kill heals']);
    });
  });

  type Plan = Array<[at: number, name: FaultName, lastsMs: number]>;
  const run = (plan: Plan, ...faults: Fault[]) => {
    const stop = new AbortController();
    const active: string[] = [];
    const skipped: string[] = [];
    const over = runFaults({
      plan: plan.map(([at, name, lastsMs]) => ({ at, fault: name, lastsMs })),
      stage,
      seed: 1,
      signal: stop.signal,
      onActive: (names) => {
        active.push(names.join('+'));
        log.push(`[${names.join(' ')}]`);
      },
      onError: ({ message }) => errors.push(message),
      onSkip: ({ fault: name }) => skipped.push(name),
      faults: faultsWith(...faults),
    });
    return { stop, over, active, skipped };
  };

  it('injects and heals what is planned, and tells what is at work from before it begins until it is healed', async () => {
    const plan: Plan = [
      [0, 'delay', 600_000],
      [20, 'kill', 400],
    ];
    const { over, stop } = run(plan, define('delay'), define('kill'));
    await eventually(() => assert.ok(log.includes('kill heals')));
    stop.abort();
    await over;
    assert.deepEqual(log, [
      '[delay]',
      'delay starts',
      '[delay kill]',
      'kill starts',
      'kill heals',
      '[delay]',
      'delay heals',
      '[]',
    ]);
  });

  it('heals everything when it is stopped, and begins nothing more', async () => {
    const { over, stop } = run(
      [
        [0, 'delay', 600_000],
        [0, 'kill', 600_000],
        [300_000, 'rst', 1],
      ],
      define('delay'),
      define('kill'),
      define('rst'),
    );
    await eventually(() => assert.ok(log.includes('kill starts')));
    stop.abort();
    await over;
    assert.deepEqual(log.slice(-4).sort(), ['[]', '[kill]', 'delay heals', 'kill heals']);
    assert.ok(!log.includes('rst starts'));
  });

  it('goes on after a fault that did not start, and fails at the end', async () => {
    const { over } = run(
      [
        [0, 'delay', 600],
        [10, 'kill', 400],
      ],
      define('delay', { start: fail('no start') }),
      define('kill'),
    );
    await assert.rejects(over, (error: AggregateError) => {
      assert.deepEqual(error.errors.map(String), ['Error: delay: no start']);
      return true;
    });
    assert.deepEqual(errors, ['delay: no start']);
    assert.deepEqual(log.slice(-3), ['kill starts', 'kill heals', '[]']);
  });

  it('heals a second time if the first fails', async () => {
    let attempts = 0;
    const heal = () => {
      attempts += 1;
      if (attempts === 1) throw new Error('not yet');
    };
    await run([[0, 'restart', 200]], define('restart', { heal })).over;
    assert.equal(attempts, 2);
  });

  it('reports what can not be healed', async () => {
    const { over, active } = run([[0, 'restart', 200]], define('restart', { heal: fail('no heal') }));
    await assert.rejects(over, AggregateError);
    assert.deepEqual(errors, ['restart: it can not be healed']);
    assert.equal(active.at(-1), '');
  });

  it('waits for a fault that undoes the next one; what is over by then is left out', async () => {
    let healed: () => void = () => {};
    const slow = define('restart', {
      heal: () =>
        new Promise<void>((resolve) => {
          healed = () => {
            log.push('restart heals');
            resolve();
          };
        }),
    });
    const plan: Plan = [
      [0, 'restart', 200],
      [210, 'kill', 20],
      [210, 'password', 600_000],
    ];
    const { over, stop, skipped } = run(plan, slow, define('kill'), define('password'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(log, ['[restart]', 'restart starts']);
    healed();
    await eventually(() => assert.ok(log.includes('password starts')));
    stop.abort();
    await over;
    assert.deepEqual(skipped, ['kill']);
    assert.ok(!log.includes('kill starts'));
  });
});
