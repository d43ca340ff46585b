import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { ERROR_CATALOGUE, type ErrorCode, HandbackError } from '#core/errors.js';

const CODES = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

/** Codes that docs/errors.md explains: in backticks in a heading or in the first cell of a row. */
function documented(): string[] {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^(?:#+\s+|\|\s*)`([A-Z][A-Z_]+)`/gm)].map(([, code = '']) => code);
}

describe('error catalogue', () => {
  it('every code is documented once, and every documented code is real', () => {
    assert.deepEqual(documented().sort(), [...CODES].sort());
  });

  it('the documented HTTP status is the real one', () => {
    const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    for (const [, code = '', status = ''] of text.matchAll(/^\|\s*`([A-Z_]+)`\s*\|\s*(\d*)\s*\|/gm)) {
      const { status: real } = ERROR_CATALOGUE[code as ErrorCode] as { status?: number };
      assert.equal(status, real === undefined ? '' : String(real), code);
    }
  });

  for (const code of CODES) {
    it(`${code}: class, code, status and headers fit together`, () => {
      const error = new HandbackError(code, 'a message');
      const { status } = ERROR_CATALOGUE[code] as { status?: number };
      assert.ok(error instanceof Error);
      assert.deepEqual([error.name, error.code, error.message], ['HandbackError', code, 'a message']);
      assert.deepEqual([error.status, error.statusCode], [status, status]);
      assert.deepEqual(error.headers, status === 503 ? { 'Retry-After': '1' } : undefined);
      assert.equal('status' in error, status !== undefined);
      assert.equal(/\n\s+at /.test(error.stack ?? ''), status !== 503);
    });
  }

  it('report and cause are there for the operator, and not enumerable', () => {
    const report = { pool: 'p' } as never;
    const cause = new Error('behind it');
    const error = new HandbackError('ACQUIRE_TIMEOUT', 'a message', { report, cause });
    assert.deepEqual([error.report, error.cause], [report, cause]);
    assert.ok(!JSON.stringify(error).includes('behind it'));
    assert.deepEqual(
      Object.keys(error).filter((key) => key === 'report' || key === 'cause'),
      [],
    );
    assert.ok(inspect(error).includes('behind it'), 'the cause is shown to whoever inspects');
  });

  it('making one leaves Error.stackTraceLimit as it was', () => {
    const before = Error.stackTraceLimit;
    new HandbackError('ACQUIRE_TIMEOUT', 'a message');
    assert.equal(Error.stackTraceLimit, before);
  });

  it('Retry-After can be said', () => {
    const error = new HandbackError('OVERLOADED', 'a message', { retryAfterSeconds: 7 });
    assert.deepEqual(error.headers, { 'Retry-After': '7' });
  });
});
