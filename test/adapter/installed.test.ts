import { strict as assert } from 'node:assert';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chain } from './harness.js';

const root = resolve(import.meta.dirname, '../../..');
const project = resolve(root, 'build/installed');
const installed = resolve(project, 'node_modules/@handback/contract');

/** As the package manager of somebody else's adapter lays it out; core and the driver are found above. */
function install(): void {
  mkdirSync(installed, { recursive: true });
  for (const part of ['package.json', 'dist']) {
    cpSync(resolve(root, 'packages/contract', part), resolve(installed, part), { recursive: true });
  }
}

describe('the contract in node_modules', () => {
  before(install);
  after(() => rmSync(project, { recursive: true, force: true }));

  it('passes where it names lines of code, of which its own are then a library’s', async () => {
    const { suite } = (await import(
      pathToFileURL(resolve(installed, 'dist/index.js')).href
    )) as typeof import('@handback/contract');
    const cases = suite['two connections in one request'] ?? [];
    const named = cases.filter(({ name }) => name.includes('the log names them'));
    assert.equal(named.length, 1);
    for (const one of named) await one.run({ ...chain, patienceMs: 10_000 });
  });
});
