import type { Connection } from 'mysql2';
import { ONE } from '../work.js';

type Done = (error: Error | null, rows?: unknown[]) => void;

/** One after another in callbacks, as an application of that style does it. */
export function threeQueries(connection: Pick<Connection, 'query'>, id: string, done: Done): void {
  connection.query(ONE, [id], (error, first) => {
    if (error) return done(error);
    connection.query(ONE, [id], (failed, second) => {
      if (failed) return done(failed);
      connection.query(ONE, [id], (last, third) => done(last, [first, second, third]));
    });
  });
}
