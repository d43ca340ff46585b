import { once } from 'node:events';
import { pipeline, type Readable, Transform } from 'node:stream';
import type { Scope } from '@handback/core';

const CHUNK_LENGTH = 16_384;

/** Every visit. Waits for the first row, so that what fails before it is still an ordinary error. */
export async function visits(db: Scope): Promise<Readable> {
  const rows = db.stream('SELECT id, user_id, page, ms FROM visits ORDER BY id');
  await once(rows, 'readable');
  return rows;
}

/**
 * The same as lines of JSON, for frameworks that send a stream themselves. Rows are read as fast as the client takes
 * them, and a client that leaves destroys the rows' stream with this one.
 */
export async function exportVisits(db: Scope): Promise<Readable> {
  return pipeline(await visits(db), ndjson(), () => {
    // Whoever reads the lines gets their error; there is nothing more to do about it here.
  });
}

/** Rows in, text out, in pieces worth sending. */
export function ndjson(): Transform {
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
