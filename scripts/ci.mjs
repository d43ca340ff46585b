/** What continuous integration runs: everything `npm test` does, and the linter and the type checker counted with it. */
import { join } from 'node:path';
import { watchInterrupts } from './lib/interrupts.mjs';
import { root } from './lib/root.mjs';
import { run } from './lib/run.mjs';
import { installNode } from './node/install.mjs';
import { essentialArguments, otherVersions } from './node/versions.mjs';
import { build, ensureInstalled } from './setup.mjs';
import { runTests } from './testing/run-tests.mjs';
import { shownLater } from './testing/shown-later.mjs';
import { exitCodeFor, printSummary } from './testing/summary.mjs';

const signal = watchInterrupts();
const counts = { passed: 0, failed: 0, skipped: 0 };

/** @param {string} name @param {() => Promise<unknown>} work @returns {Promise<boolean>} whether it passed */
async function check(name, work) {
  try {
    await work();
    counts.passed += 1;
    console.log(`${name}: passed`);
    return true;
  } catch (error) {
    if (signal.aborted) process.exit(signal.reason.exitCode);
    counts.failed += 1;
    console.log(`${name}: failed\n${/** @type {Error} */ (error).message}`);
    return false;
  }
}

/** @param {string[]} command a program in node_modules and its arguments */
function tool([program = '', ...args]) {
  return run(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    signal,
    lines: 200,
  });
}

/** @param {string[]} args @param {Pick<Parameters<typeof runTests>[0], 'node' | 'stdout'>} [how] */
async function testAndCount(args, how) {
  const results = await runTests({ args, signal, ...how });
  for (const name of /** @type {const} */ (['passed', 'failed', 'skipped'])) counts[name] += results[name];
}

/** What differs between versions of Node, on those that do not run this: at once, since these tests mostly wait. */
async function testOnOtherVersions() {
  /** @type {Promise<void>[]} */
  const running = [];
  for (const version of otherVersions()) {
    let node = '';
    const installed = await check(`Node ${version}`, async () => {
      node = await installNode(version, { signal });
    });
    if (!installed) continue;
    const title = `The tests on Node ${version}`;
    running.push(shownLater(title, (stdout) => testAndCount(essentialArguments, { node, stdout })));
  }
  await Promise.all(running);
}

async function ci() {
  await ensureInstalled({ signal });
  await check('lint', () => tool(['@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']));
  const built = await check('types', () => build({ projects: ['examples', 'test', 'bench'], signal }));
  await check('types of the scripts', () => tool(['typescript/bin/tsc', '-p', 'scripts']));
  if (!built) return console.log('The tests did not run: what they test does not compile.');
  const chosen = process.argv.slice(2);
  await testAndCount(chosen);
  if (chosen.length === 0) await testOnOtherVersions();
  else console.log('Not on other versions of Node: some tests were chosen.');
}

await ci().catch((error) => {
  if (signal.aborted) process.exit(signal.reason.exitCode);
  console.error(error.message);
  counts.failed += 1;
});
printSummary(counts);
process.exit(exitCodeFor(counts));
