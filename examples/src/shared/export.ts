import { once } from 'node:events';
import { pipeline, type Readable, Transform } from 'node:stream';
import type { Scope } from '@handback/core';

const CHUNK_LENGTH = 16_384;

/**
 * Every visit as a line of JSON. Rows are read as fast as the client takes them, and a client that leaves destroys
 * the rows' stream with this one. Waits for the first row, so that what fails before it is still an ordinary error.
 */
export async function exportVisits(db: Scope): Promise<Readable> {
  const rows = db.stream('SELECT id, user_id, page, ms FROM visits ORDER BY id');
  const lines = pipeline(rows, ndjson(), () => {
    // Whoever reads `lines` gets its error; there is nothing more to do about it here.
  });
  await once(lines, 'readable');
  return lines;
}

/** Rows in, text out, in pieces worth sending. */
function ndjson(): Transform {
  let lines = '';
  return new Transform({
    writableObjectMode: true,
    transform(row, _encoding, callback) {
      lines += `${JSON.stringify(row)}\n`;
      if (lines.length < CHUNK_LENGTH) return callback();
      const chunk = lines;
      lines = '';
      callback(null, chunk);
    },
    flush(callback) {
      callback(null, lines);
    },
  });
}
