import assert from 'node:assert/strict';
import { parseArguments } from '#bench/main.js';

describe('npm run bench: what there is nothing to run for', () => {
  /** The exit code, and what was printed where. */
  function tried(...args: string[]) {
    const said = { out: '', err: '' };
    const { log, error } = console;
    console.log = (line: string) => {
      said.out += line;
    };
    console.error = (line: string) => {
      said.err += line;
    };
    try {
      return { code: parseArguments(args), ...said };
    } finally {
      Object.assign(console, { log, error });
    }
  }

  it('ends with 2 and a message for a part that does not exist', () => {
    const { code, out, err } = tried('macro');
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, /no part "macro"/);
  });

  it('ends with 0 for help', () => {
    const { code, out } = tried('-h');
    assert.equal(code, 0);
    assert.match(out, /npm run bench \[-- part/);
  });
});
