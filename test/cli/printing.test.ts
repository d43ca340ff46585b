import { strict as assert } from 'node:assert';
import { bySeverity, exitCodeOf, type Finding, printFindings } from '#cli/findings.js';
import { printTable } from '#cli/table.js';
import { Terminal } from '#cli/terminal.js';
import { escapedJson, oneLine, printable } from '#cli/text.js';

function terminalFor(
  isTTY: boolean,
  env: NodeJS.ProcessEnv = {},
): { terminal: Terminal; text: () => string } {
  let text = '';
  const stdout = { isTTY, write: (piece: string) => (text += piece) };
  return { terminal: new Terminal({ stdout, stderr: stdout, env }), text: () => text };
}

const finding: Finding = {
  id: 'x',
  severity: 'critical',
  title: 'full \u001b[2J of it',
  evidence: ['user \u001b]0;title\u0007'],
  change: 'less',
};

describe('what is printed', () => {
  it('has no control characters of others in it', () => {
    assert.equal(
      printable('a\u001b[31mb\u0007\u009b\u202e\r\n\u200b'),
      'a\\u{1b}[31mb\\u{7}\\u{9b}\\u{202e}\\u{d}\\u{a}\\u{200b}',
    );
    assert.equal(printable('größe 数 🙂'), 'größe 数 🙂');
    const { terminal, text } = terminalFor(false);
    printFindings(terminal, [finding]);
    printTable(terminal, [{ title: 'user' }], [['\u001b[2J']]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    assert.doesNotMatch(text(), /\u001b|\u0007/);
  });

  it('has none in its documents either, which say the same', () => {
    const value = { name: 'a\u001b\u009b[2J\u202e\u2028\u007f\n🙂\u{e0041}' };
    const { terminal, text } = terminalFor(true);
    terminal.printJson(value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    assert.doesNotMatch(text().replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202e\u2028\u{e0041}]/u);
    assert.deepEqual(JSON.parse(text()), value);
    assert.equal(escapedJson('{\n}'), '{\n}');
  });

  it('has statements in one line', () => {
    assert.equal(oneLine(' SELECT a,\n\t b\r\nFROM t '), 'SELECT a, b FROM t');
  });

  it('has colours on a terminal only, and not with NO_COLOR', () => {
    const colored = (isTTY: boolean, env?: NodeJS.ProcessEnv) => {
      const { terminal, text } = terminalFor(isTTY, env);
      printFindings(terminal, [finding]);
      return text().includes('\u001b[');
    };
    assert.deepEqual(
      [colored(true), colored(false), colored(true, { NO_COLOR: '1' }), colored(true, { TERM: 'dumb' })],
      [true, false, false, false],
    );
    // Whoever shows the output of a pipe in colours says so; 0 is none, and NO_COLOR counts more.
    assert.deepEqual(
      [
        colored(false, { FORCE_COLOR: '1' }),
        colored(true, { FORCE_COLOR: '0' }),
        colored(true, { FORCE_COLOR: '1', NO_COLOR: '1' }),
      ],
      [true, false, false],
    );
  });

  it('stands in columns', () => {
    const { terminal, text } = terminalFor(false);
    printTable(
      terminal,
      [{ title: 'user' }, { title: 'n', align: 'right' }],
      [
        ['shop', 5],
        ['reporting', 12],
      ],
    );
    assert.equal(text(), 'user        n\nshop        5\nreporting  12\n');
  });

  it('begins with the worst, which decides the exit code', () => {
    const of = (...severities: Finding['severity'][]) =>
      severities.map((severity) => ({ ...finding, severity }));
    assert.deepEqual(
      bySeverity(of('ok', 'warning', 'info', 'critical')).map(({ severity }) => severity),
      ['critical', 'warning', 'info', 'ok'],
    );
    assert.deepEqual([of('ok', 'info'), of('warning'), of('critical'), []].map(exitCodeOf), [0, 1, 1, 0]);
  });
});
