import type { AppTask } from '../app/task.js';

export interface HttpContender {
  name: string;
  release: AppTask['release'];
  kind: AppTask['lender']['kind'];
}

export function appTask({ release, kind }: HttpContender, url: string, max: number): AppTask {
  return { lender: { kind, url, max }, release, sql: 'SELECT SLEEP(0.02)' };
}
