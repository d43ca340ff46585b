import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { incidents } from 'handback-examples/dist/incidents/incidents.js';
import { labelsOf, outputIn } from 'handback-examples/dist/incidents/stage/docs.js';
import type { Side } from 'handback-examples/dist/incidents/stage/incident.js';
import { show } from 'handback-examples/dist/incidents/stage/show.js';
import { Transcript } from 'handback-examples/dist/incidents/stage/transcript.js';
import { createConnection } from 'mysql2/promise';
import { runNode } from '../scripts/processes.js';

const SCRIPT = 'scripts/incident.mjs';

interface Shown {
  /** The figures of each side, in the order of the table. */
  readonly figures: number[][];
  readonly text: string;
}

/** In its short form, on a server of its own. */
async function shown(number: number): Promise<Shown> {
  const incident = incidents.find((one) => one.number === number) ?? assert.fail(`no incident ${number}`);
  const transcript = new Transcript();
  const { signal } = new AbortController();
  const sides = await show(incident, { isShort: true, print: () => {}, transcript, signal });
  assert.ok((sides[0]?.hit ?? 0) > 0, `it does not happen without Handback:\n${transcript.text}`);
  assert.equal(sides.at(-1)?.hit, 0, `it happens with Handback:\n${transcript.text}`);
  assertAsInDocs(number, transcript.text);
  return { figures: sides.map(numbersOf), text: transcript.text };
}

/** docs/operations.md has the table of the full form: with the same rows. */
function assertAsInDocs(number: number, text: string): void {
  const page = readFileSync('docs/operations.md', 'utf8');
  assert.deepEqual(labelsOf(text), labelsOf(outputIn(page, number)));
}

function numbersOf({ figures }: Side): number[] {
  return Object.values(figures).map(Number);
}

describe('incidents', () => {
  it('1, as the command runs it: sessions that nobody closed keep the pool and their transactions; with Handback they end', async () => {
    const { code, stdout, stderr } = await runNode([SCRIPT, '1', '--short']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assertAsInDocs(1, stdout.trim());
    assert.match(stdout, /^threads of the application, all of them asleep +10 +\d$/m);
    assert.match(stdout, /^of those in an open transaction +3 +0$/m);
    assert.match(stdout, /^without an answer, of 2 requests after that +2 +0$/m);
  });

  it('2: too many processes take the server from everybody; with Handback nobody fails, and a max that fits leaves room', async () => {
    const { figures, text } = await shown(2);
    const [without, sameMax, fitting] = figures as [number[], number[], number[]];
    assert.equal(without[0], 29);
    assert.ok((without[1] ?? 0) > 0);
    assert.equal(sameMax[1], 0);
    assert.equal(fitting[1], 0);
    assert.match(text, /another application connects +ER_CON_COUNT_ERROR +ER_CON_COUNT_ERROR +yes\b/);
  });

  it('3: a connection per request reaches max_connections; with Handback there are never more than max', async () => {
    const { figures } = await shown(3);
    const [without, withHandback] = figures as [number[], number[]];
    assert.equal(without[0], 39);
    assert.ok((without[1] ?? 0) > 0);
    assert.deepEqual(withHandback, [28, 0]);
  });

  it('4: an exhausted pool names nobody; Handback answers 503 in time, and its log and the doctor name the routes', async () => {
    const { figures, text } = await shown(4);
    const [without, withHandback] = figures as [number[], number[]];
    assert.deepEqual(without.slice(0, 3), [10, 10, 0]);
    assert.deepEqual(withHandback.slice(0, 3), [0, 20, 20]);
    assert.match(text, /as the log names them +none +\/checkout\/:product, \/report$/m);
  });

  it('5: connections that the server has ended fail whoever comes next; with Handback nobody', async () => {
    const { figures } = await shown(5);
    const [without, withHandback] = figures as [number[], number[]];
    assert.deepEqual(without.slice(0, 2), [3, 1]);
    assert.ok((without[3] ?? 0) > 0);
    assert.deepEqual([withHandback[0], withHandback[1], withHandback[3]], [0, 0, 0]);
    if (process.platform === 'linux') assert.equal(without[2], 5);
  });

  it('a Ctrl-C in the middle leaves nothing', async () => {
    const program = spawn(process.execPath, [SCRIPT, '4', '--short'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(program, 'exit');
    const group = -(program.pid ?? assert.fail('it did not start'));
    let stdout = '';
    program.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    await eventually(() => assert.match(stdout, /The visitors: /));
    process.kill(group, 'SIGINT');
    const [code] = await within(20_000, 'its end', ended);
    assert.equal(code, 130);
    await eventually(() => assert.throws(() => process.kill(group, 0), { code: 'ESRCH' }));
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(stdout) ?? [];
    await assert.rejects(createConnection({ host: '127.0.0.1', port: Number(port) }), {
      code: 'ECONNREFUSED',
    });
  });

  it('each has a script of its own name, which takes the same options', async () => {
    const scripts = readdirSync('examples/incidents');
    assert.deepEqual(
      scripts.map((name) => Number.parseInt(name, 10)),
      incidents.map(({ number }) => number),
    );
    for (const script of scripts) {
      const folder = script.replace(/^\d-(.*)\.mjs$/, '$1');
      assert.ok(existsSync(`examples/src/incidents/${folder}/without.ts`), folder);
    }
    const both = await runNode([`examples/incidents/${scripts[0]}`, '--docs', '--short']);
    assert.equal(both.code, 2);
    assert.match(both.stderr, /Usage: npm run incident/);
  });

  it('the command says what it can do, and refuses what it does not know', async () => {
    const wrong = [['6'], ['--no-such-option'], ['--docs', '--short']];
    const [help, ...refused] = await Promise.all(
      [['--help'], ...wrong].map((args) => runNode([SCRIPT, ...args])),
    );
    assert.equal(help?.code, 0);
    for (const { number, title } of incidents) assert.ok(help.stdout.includes(`${number}  ${title}`));
    for (const { code, stderr } of refused) {
      assert.equal(code, 2, stderr);
      assert.match(stderr, /Usage: npm run incident/);
    }
  });
});
