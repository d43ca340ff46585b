import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { applies, type Case, contract, type Harness, type Runner, suite } from '@handback/contract';

const run = promisify(execFile);
const contractModule = import.meta.resolve('@handback/contract');

const harness = (family: string): Harness => ({
  framework: `${family} 1`,
  family,
  start: () => Promise.reject(new Error('started by a test that only registers')),
});

/** What is registered, as lines of "describe > it", and the tests to run. */
function recorder() {
  const path: string[] = [];
  const tests = new Map<string, { test(): Promise<void>; timeoutMs: number }>();
  const runner: Runner = {
    describe(name, body) {
      path.push(name);
      body();
      path.pop();
    },
    it: (name, test, timeoutMs) => tests.set([...path, name].join(' > '), { test, timeoutMs }),
    after: () => {},
  };
  return { runner, tests };
}

describe('contract(): registering the suite', () => {
  it('every case that applies is a test, under its behaviour, and no other', () => {
    const { runner, tests } = recorder();
    contract(harness('toy'), { runner });
    const expected = Object.entries(suite).flatMap(([behaviour, cases]) =>
      cases
        .filter(({ only, needs }) => only === undefined && needs === undefined)
        .map(({ name }) => `contract: toy 1 > ${behaviour} > ${name}`),
    );
    assert.deepEqual([...tests.keys()], expected);
  });

  it('cases about one framework alone are for that family', () => {
    const cases = Object.values(suite).flat();
    const own = cases.filter((each) => applies(each, harness('fastify')) && !applies(each, harness('toy')));
    assert.ok(own.length > 0 && own.every(({ only }) => only?.includes('fastify')));
  });

  it('cases that need something are for harnesses that have it', () => {
    const able: Harness = { ...harness('toy'), showsHandlersEnd: true };
    const needy = Object.values(suite)
      .flat()
      .filter(({ needs }) => needs !== undefined);
    assert.ok(needy.length > 0);
    for (const each of needy)
      assert.deepEqual([applies(each, able), applies(each, harness('toy'))], [true, false]);
  });

  it('cases of your own run with the same harness and patience, in their behaviour or in one of their own', async () => {
    const seen: unknown[] = [];
    const mine = (name: string): Case => ({
      name,
      run: async ({ framework, patienceMs }) => void seen.push(`${name}: ${framework}, ${patienceMs}`),
    });
    const { runner, tests } = recorder();
    const also = { upgrades: [mine('one')], 'my own': [mine('two')] };
    contract(harness('toy'), { runner, also, patienceMs: 5 });
    await tests.get('contract: toy 1 > upgrades > one')?.test();
    await tests.get('contract: toy 1 > my own > two')?.test();
    assert.deepEqual(seen, ['one: toy 1, 5', 'two: toy 1, 5']);
  });

  it('behaviours can be chosen, and one that does not exist is refused by name', () => {
    const { runner, tests } = recorder();
    contract(harness('toy'), { runner, behaviours: ['opting out'] });
    assert.equal(tests.size, suite['opting out']?.length);
    assert.throws(
      () => contract(harness('toy'), { runner, behaviours: ['opting in'] }),
      /'opting in'.*opting out/,
    );
  });

  it('without a runner of any kind it says what is missing', async () => {
    const program = `import { contract } from ${JSON.stringify(contractModule)};
      try { contract({ framework: 'toy', family: 'toy' }); } catch (error) { console.log(error.message); }`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    assert.match(stdout, /no global describe.*mocha.*`runner`/);
  });

  it('two databases in one process are refused', async () => {
    const program = `import { contract } from ${JSON.stringify(contractModule)};
      const runner = { describe() {}, it() {}, after() {} };
      contract({}, { runner, databaseUrl: 'mysql://one' });
      contract({}, { runner, databaseUrl: 'mysql://one' });
      try { contract({}, { runner, databaseUrl: 'mysql://two' }); } catch (error) { console.log(error.message); }`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    assert.match(stdout, /one database in a process/);
  });
});
