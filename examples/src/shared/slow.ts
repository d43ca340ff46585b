import type { Scope } from '@handback/core';
import { Problem } from './problems.js';

const DEFAULT_MS = 1_000;
const MAX_MS = 5_000;

/** Keeps the request's connection busy for a while. */
export async function sleep(db: Scope, text: unknown = String(DEFAULT_MS)) {
  const ms = readMs(text);
  await db.query('SELECT SLEEP(?)', [ms / 1_000]);
  return { sleptMs: ms };
}

/** `text` comes from the query string; a parameter that is given twice is an array there. */
function readMs(text: unknown): number {
  const ms = typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(ms <= MAX_MS)) throw new Problem(400, `ms is a whole number from 0 to ${MAX_MS}.`);
  return ms;
}
