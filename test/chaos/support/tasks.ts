import { fileURLToPath } from 'node:url';
import { bank } from '../faults/schema.js';
import type { Stage } from '../faults/stage.js';
import type { AppTask, Contender, Deadlines, Framework, LoadTask } from '../types.js';

export const appFile = fileURLToPath(new URL('../app/main.js', import.meta.url));
export const loadFile = fileURLToPath(new URL('../load/main.js', import.meta.url));

export const deadlines: Deadlines = { acquireTimeoutMs: 2_000, queryTimeoutMs: 2_000, drainTimeoutMs: 1_000 };

export function appTask(stage: Stage, framework: Framework, contender: Contender): AppTask {
  const { databaseUrl, account } = stage;
  return {
    databaseUrl,
    passwordFile: account.passwordFile,
    framework,
    contender,
    max: 6,
    deadlines,
    seed: 1,
  };
}

export function loadTask(port: number, changes: Partial<LoadTask> = {}): LoadTask {
  return { port, clients: 12, seed: 3, accounts: bank.accounts, deadlines, ...changes };
}
