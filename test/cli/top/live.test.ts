import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { createConnection } from 'mysql2/promise';
import { OnTerminal } from './pty.js';
import { Stage } from './stage.js';

describe('handback top on a terminal', () => {
  let stage: Stage;
  let running: OnTerminal | undefined;

  before(async () => {
    stage = await Stage.open();
    await stage.keeps('POST /orders', "SELECT 'hunter2' AS secret");
    await stage.runs('GET /reports/:id', 'SELECT SLEEP(1000) AS `odd\u001b[2Jname`');
  });

  after(() => stage.close());

  afterEach(() => {
    running?.end();
    running = undefined;
  });

  function open(url = databaseUrl(), settings?: ConstructorParameters<typeof OnTerminal>[1]): OnTerminal {
    running = new OnTerminal(['top', url, '--app', stage.url, '--interval', '100ms'], settings);
    return running;
  }

  /** As the shell had it: its screen, its cursor, its lines that wrap. */
  function assertRestored({ raw, isAlternate, wraps, text }: OnTerminal): void {
    assert.deepEqual([isAlternate, wraps, text.trim()], [false, true, '']);
    assert.ok(raw.lastIndexOf('\u001b[?25h') > raw.lastIndexOf('\u001b[?25l'), 'the cursor is shown again');
  }

  it('shows pools, holders by route, and threads with the routes that hold them', async () => {
    const terminal = open();
    await terminal.until(/Pools \(1\)[\s\S]*Holders \(2\)[\s\S]*Threads/);
    await terminal.until(/Query: User sleep .*GET \/reports\/:id/);
    const { text, isAlternate } = terminal;
    assert.ok(isAlternate);
    assert.match(text, /^handback top {2}.*@127\.0\.0\.1:\d+ {2}.*\d\d:\d\d:\d\d/m);
    assert.match(text, /^ +POST \/orders +shop +1 .*SELECT \? AS secret/m);
    assert.match(text, /Sleep .*POST \/orders for /);
    assert.match(text, /q quit/);
    assert.doesNotMatch(text, /hunter2/);
  });

  it('writes no control characters of others to the terminal', async () => {
    const terminal = open(databaseUrl(), { cols: 220 });
    await terminal.until(/`odd\\u\{1b\}\[2Jname`/);
    assert.ok(!terminal.raw.includes('\u001b[2J'));
  });

  it('looks again by itself', async () => {
    const terminal = open();
    await terminal.until(/Holders \(2\)/);
    const lease = await stage.pool.acquire();
    await terminal.until(/Holders \(3\)[\s\S]*pool\.acquire/);
    lease.release();
    await terminal.until(/Holders \(2\)/);
  });

  it('stands still while it is paused', async () => {
    const terminal = open();
    await terminal.until(/Holders \(2\)/);
    terminal.press('p');
    await terminal.until(/PAUSED/);
    const lease = await stage.pool.acquire();
    try {
      // One look after the other: when the third question is asked, the first answer has been dealt with.
      const before = stage.questions;
      await eventually(() => assert.ok(stage.questions >= before + 3));
      assert.match(terminal.text, /PAUSED[\s\S]*Holders \(2\)/);
      terminal.press('p');
      await terminal.until((text) => !text.includes('PAUSED') && text.includes('Holders (3)'));
    } finally {
      lease.release();
    }
  });

  it('scrolls with arrows, letters and pages', async () => {
    const terminal = open(databaseUrl(), { rows: 10 });
    await terminal.until(/lines 1-/);
    terminal.press('j');
    await terminal.until(/lines 2-/);
    terminal.press('\u001b[B');
    await terminal.until(/lines 3-/);
    terminal.press('\u001b[Ak');
    await terminal.until(/lines 1-/);
    terminal.press('G');
    await terminal.until((text) => /lines \d+-(\d+) of \1/.test(text));
    terminal.press('g');
    await terminal.until(/lines 1-/);
    terminal.press(' ');
    await terminal.until((text) => !/lines 1-/.test(text));
    terminal.press('b');
    await terminal.until(/lines 1-/);
  });

  it('fits the window, also when that changes', async () => {
    const terminal = open(databaseUrl(), { cols: 100, rows: 30 });
    const fills = (cols: number, rows: number) => {
      const last = terminal.lines[rows - 1] ?? '';
      return /^ q quit/.test(last) && last.length <= cols && terminal.lines.length === rows;
    };
    await terminal.until(() => fills(100, 30));
    // Not only when the next look comes.
    terminal.press('p');
    await terminal.until(/PAUSED/);
    terminal.resize(60, 12);
    await terminal.until(
      () => fills(60, 12) && terminal.lines.filter((line) => line.includes('q quit')).length === 1,
    );
    terminal.resize(140, 40);
    await terminal.until(() => fills(140, 40) && /Threads/.test(terminal.text));
  });

  for (const [name, key] of [
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
    ['the end of input', '\u0004'],
  ] as const) {
    it(`ends with ${name}: exit code 0, and the terminal is as it was`, async () => {
      const terminal = open();
      await terminal.until(/Threads/);
      terminal.press(key);
      assert.equal((await terminal.exited).exitCode, 0);
      assertRestored(terminal);
    });
  }

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`ends with ${signal}: exit code ${code}, and the terminal is as it was`, async () => {
      const terminal = open();
      await terminal.until(/Threads/);
      terminal.kill(signal);
      assert.equal((await terminal.exited).exitCode, code);
      assertRestored(terminal);
    });
  }

  it('leaves the screen before it says what it failed of', async () => {
    const fault = `process.on('SIGUSR2', () => { throw new Error('broken') })`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}` };
    const terminal = open(databaseUrl(), { env });
    await terminal.until(/Threads/);
    terminal.kill('SIGUSR2');
    assert.equal((await terminal.exited).exitCode, 3, 'it could not be done; 1 is for what is to be changed');
    assert.deepEqual([terminal.isAlternate, terminal.wraps], [false, true]);
    assert.match(terminal.text, /^handback: broken/);
  });

  it('refuses a terminal that can not be drawn on', async () => {
    const terminal = open(databaseUrl(), { env: { TERM: 'dumb' } });
    assert.equal((await terminal.exited).exitCode, 2);
    assert.match(terminal.text, /--once prints one look/);
  });

  it('gives the screen back while it is stopped with Ctrl-Z', async () => {
    const terminal = open();
    await terminal.until(/Threads/);
    terminal.press('\u001a');
    await terminal.until(() => !terminal.isAlternate);
    assertRestored(terminal);
    terminal.kill('SIGCONT');
    await terminal.until(/Threads/);
    assert.ok(terminal.isAlternate);
    terminal.press('q');
    assert.equal((await terminal.exited).exitCode, 0);
    assertRestored(terminal);
  });

  it('shows that the server is lost, and goes on when it is back', async () => {
    const proxy = await TcpProxy.inFrontOf(databaseUrl());
    try {
      const terminal = open(proxy.url(databaseUrl()), { cols: 200 });
      await terminal.until(/Threads/);
      proxy.refuse();
      proxy.cutAll('RST');
      await terminal.until(/ECONNREFUSED.*; asked again in .*; below is what was seen last[\s\S]*Holders/);
      assert.match(terminal.text, /POST \/orders for /, 'the last look is still there');
      await proxy.accept();
      await terminal.until((text) => !text.includes('asked again') && text.includes('Threads'));
      terminal.press('q');
      assert.equal((await terminal.exited).exitCode, 0);
    } finally {
      await proxy.close();
    }
  });

  it('goes on when an administrator kills its session', async () => {
    const admin = await createConnection(databaseUrl());
    try {
      const terminal = open();
      await terminal.until(/^ +(\d+) .* this view/m);
      const id = /^ +(\d+) .* this view/m.exec(terminal.text)?.[1];
      await admin.query(`KILL ${Number(id)}`);
      await terminal.until((text) => {
        const now = /^ +(\d+) .* this view/m.exec(text)?.[1];
        return now !== undefined && now !== id && !text.includes('asked again');
      });
    } finally {
      await admin.end();
    }
  });

  it('shows that an application is lost, and its holders again when it is back', async () => {
    const terminal = open();
    await terminal.until(/Holders \(2\)/);
    stage.status = 500;
    await terminal.until(/did not tell of its pools: it answered 500/);
    assert.match(terminal.text, /Threads/);
    stage.status = 200;
    await terminal.until(/Holders \(2\)/);
    assert.doesNotMatch(terminal.text, /did not tell/);
  });

  it('ends at once while the server is silent', async () => {
    const proxy = await TcpProxy.inFrontOf(databaseUrl());
    try {
      const terminal = open(proxy.url(databaseUrl()));
      await terminal.until(/Threads/);
      proxy.flow = 'swallow-to-client';
      terminal.press('q');
      assert.equal((await terminal.exited).exitCode, 0);
      assertRestored(terminal);
    } finally {
      await proxy.close();
    }
  });

  it('asks for a password on the terminal, and shows none of it', async () => {
    const url = Object.assign(new URL(databaseUrl()), { password: '' }).href;
    const password = decodeURIComponent(new URL(databaseUrl()).password);
    const terminal = open(url);
    await terminal.until(/Password of /);
    terminal.press(`${password}\r`);
    await terminal.until(/Threads/);
    if (password) assert.ok(!terminal.raw.includes(password));
    terminal.press('q');
    assert.equal((await terminal.exited).exitCode, 0);
  });
});
