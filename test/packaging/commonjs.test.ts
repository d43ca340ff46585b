import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');
const fixtures = resolve(root, 'test/fixtures');

describe('CommonJS users', () => {
  it('require() each package and get the function itself', async () => {
    const { stdout } = await run(process.execPath, [resolve(fixtures, 'commonjs/app.js')]);
    assert.deepEqual(JSON.parse(stdout), {
      fastify: 'function',
      express: 'function',
      koa: 'function',
      http: 'function',
      off: ['function', 'function'],
      marks: ['function', 'function'],
      middleware: true,
      listener: true,
      named: Array(4).fill([true, true, 'function']),
      error: 'CLIENT_GONE',
    });
  });

  it('compile a TypeScript project to CommonJS and run it', async () => {
    const built = resolve(root, 'build/fixtures/commonjs-typescript');
    const project = resolve(fixtures, 'commonjs-typescript');
    await run(process.execPath, [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', project]).catch(
      (error) => assert.fail(error.stdout),
    );
    await mkdir(built, { recursive: true });
    await writeFile(resolve(built, 'package.json'), '{ "type": "commonjs" }');
    const { stdout } = await run(process.execPath, [resolve(built, 'app.js')]);
    assert.deepEqual(JSON.parse(stdout), { state: 'unused', same: true, off: 'function', listener: true });
  });
});
