import { strict as assert } from 'node:assert';
import { UsageError } from '#cli/exit-codes.js';
import { frame, type Shown } from '#cli/top/frame.js';
import { intervalOf } from '#cli/top/interval.js';
import { keysIn } from '#cli/top/keys.js';
import { clipped, sectionLines } from '#cli/top/lines.js';
import type { ThreadLine, View } from '#cli/top/view.js';

const plain = (_style: unknown, text: string) => text;

const threadLine = (id: number): ThreadLine => ({
  id,
  user: 'shop',
  host: 'h',
  port: undefined,
  database: undefined,
  command: 'Sleep',
  state: '',
  ageMs: 0,
  statement: undefined,
  program: undefined,
  pid: undefined,
  whose: 'foreign',
  route: undefined,
  heldMs: undefined,
  pool: undefined,
  poolState: undefined,
  transactionMs: undefined,
});

const view = (threads: number): View => ({
  server: {
    version: '10.11',
    maxConnections: 100,
    connected: 50,
    running: 1,
    mostEver: 60,
    seesAllThreads: true,
  },
  pools: [],
  routes: [],
  threads: Array.from({ length: threads }, (_, n) => threadLine(n + 1)),
  notFound: 0,
  complete: true,
});

const shown = (more: Partial<Shown> = {}): Shown => ({
  label: 'u@h:3306',
  view: view(100),
  apps: [],
  lost: undefined,
  time: '12:03:04',
  paused: false,
  ...more,
});

describe('a frame of top', () => {
  it('fills the screen and no more, whatever its size', () => {
    for (const [width, height] of [
      [120, 30],
      [80, 24],
      [20, 5],
      [1, 1],
      [200, 300],
    ] as const) {
      const { lines } = frame(shown(), { width, height }, 0, plain);
      assert.equal(lines.length, height, `${width} x ${height}`);
      assert.ok(lines.every((line) => line.length <= width));
    }
  });

  it('scrolls between the first line and the last', () => {
    const size = { width: 100, height: 20 };
    const ids = (scroll: number) => {
      const drawn = frame(shown(), size, scroll, plain);
      return { scroll: drawn.scroll, text: drawn.lines.join('\n') };
    };
    assert.match(ids(0).text, /^ +1 {2}shop/m);
    assert.equal(ids(-5).scroll, 0);
    const end = ids(1e9);
    assert.match(end.text, /^ +100 {2}shop/m);
    assert.deepEqual([ids(end.scroll + 1).scroll, ids(end.scroll).text], [end.scroll, end.text]);
    assert.match(ids(5).text, /lines 6-\d+ of 103/);
  });

  it('says what is wrong above what was seen last', () => {
    const lost = { error: 'no connection to u@h:3306: refused', retryInMs: 2_000 };
    const apps = [{ label: 'host/stats', pools: [], error: 'it answered 500', at: 0 }];
    const text = frame(shown({ lost, apps }), { width: 120, height: 30 }, 0, plain).lines.join('\n');
    assert.match(text, /refused; asked again in 2 s; below is what was seen last/);
    assert.match(text, /host\/stats did not tell of its pools: it answered 500/);
    assert.match(text, /Threads \(100\)/);
    const first = frame(shown({ lost, view: undefined }), { width: 120, height: 30 }, 0, plain).lines[2];
    assert.equal(first, 'no connection to u@h:3306: refused; asked again in 2 s');
  });
});

describe('a line of top', () => {
  it('has no control characters of others, and ends where the screen does', () => {
    assert.equal(clipped('a\u001b[2Jb', 80), 'a\\u{1b}[2Jb');
    assert.equal(clipped('abcdef', 4), 'abc…');
    assert.equal(clipped('ab🙂🙂🙂', 5), 'ab🙂🙂…');
    const section = {
      title: 't\u0007',
      columns: [{ title: 'a' }, { title: 'b', align: 'right' as const }, { title: 'c' }],
      rows: [
        ['x'.repeat(200), '5', 'y\u001b[31m'.repeat(50)],
        ['z', '12', ''],
      ],
      empty: '',
    };
    const lines = sectionLines(section, 70, plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    assert.doesNotMatch(lines.join(''), /[\u0000-\u001f]/);
    assert.ok(lines.every((line) => line.length <= 70));
    assert.equal(lines[2]?.indexOf(' 5 '), lines[3]?.indexOf('12') ?? 0);
  });
});

describe('the keys of top', () => {
  it('are those of the arrows in both of their forms, of less, and of vi', () => {
    assert.deepEqual(keysIn('q\u001b[A\u001bOBjk \u001b[5~\u001b[6~bgG\u001b[Hp\u0003'), [
      'quit',
      'up',
      'down',
      'down',
      'up',
      'page-down',
      'page-up',
      'page-down',
      'page-up',
      'home',
      'end',
      'home',
      'pause',
      'quit',
    ]);
  });

  it('are none that nobody gave a meaning: no sequence is taken for the letters in it', () => {
    assert.deepEqual(keysIn('\u001b[1;5q\u001b[200~x\u001bOq🙂'), []);
  });
});

describe('--interval', () => {
  it('is a time with or without its unit', () => {
    assert.deepEqual(
      ['1s', '500ms', '2', '0.5', '3600s'].map(intervalOf),
      [1_000, 500, 2_000, 500, 3_600_000],
    );
    for (const wrong of ['', '0', '50ms', '1m', '-1', '2h', '9999999'])
      assert.throws(() => intervalOf(wrong), UsageError, wrong);
  });
});
