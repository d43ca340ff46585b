import type { AppTask } from '../app/task.js';

export interface HttpContender {
  name: string;
  release: AppTask['release'];
  kind: AppTask['lender']['kind'];
}

/** Each way to give a connection back that is in use. */
export const httpContenders = {
  handback: { name: 'Handback', release: 'scope', kind: 'handback' },
  finish: { name: 'mysql2, release on finish', release: 'finish', kind: 'mysql2' },
  onResponse: { name: 'mysql2, release in onResponse', release: 'onResponse', kind: 'mysql2' },
  close: { name: 'mysql2, release on close', release: 'close', kind: 'mysql2' },
  finally: { name: 'mysql2, release in finally', release: 'finally', kind: 'mysql2' },
} as const satisfies Record<string, HttpContender>;

export function appTask({ release, kind }: HttpContender, url: string, max: number): AppTask {
  return { lender: { kind, url, max }, release, sql: 'SELECT SLEEP(0.02)' };
}
