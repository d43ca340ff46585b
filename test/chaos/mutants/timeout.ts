import type { Row } from '../app/contender.js';
import type { LentConnection } from '../app/contenders/lending.js';

export function timedOut(): Error {
  return Object.assign(new Error('It took too long.'), { code: 'QUERY_TIMEOUT' });
}

/** `query` with a limit that the mutant has its own idea of: `late` is called at that moment, and says how it rejects. */
export function withTimeout(query: LentConnection['query'], late: () => Error): LentConnection['query'] {
  return (sql, values, timeoutMs) => {
    const answer = query(sql, values);
    if (timeoutMs === undefined) return answer;
    return new Promise<Row[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(late()), timeoutMs);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  };
}
