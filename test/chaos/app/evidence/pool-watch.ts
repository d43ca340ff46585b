import { readFileSync } from 'node:fs';
import type { Contender } from '../contender.js';
import type { Evidence } from './evidence.js';

const BOOKS_EVERY_MS = 100;
const INSPECT_EVERY_MS = 3_000;
/** Nothing under way for so long, and as long as work may drain: then nothing may be out. */
const QUIET_AFTER_MS = 2_000;

/** I17 and I15: the books of the pool, and what util.inspect() shows of it, at intervals. @returns how to stop */
export function watchPool(contender: Contender, evidence: Evidence, drainTimeoutMs: number): () => void {
  let busyAt = performance.now();
  let wrongBefore: string | undefined;
  const books = setInterval(() => {
    const now = performance.now();
    if (evidence.deadlines.size > 0 || evidence.live.size > 0) busyAt = now;
    const wrong = contender.unbalanced?.(now - busyAt > QUIET_AFTER_MS + drainTimeoutMs);
    if (wrong && wrong !== wrongBefore) evidence.violation('I17', wrong);
    wrongBefore = wrong;
    evidence.checked('I10', 'I17');
  }, BOOKS_EVERY_MS);
  const look = setInterval(
    () => evidence.said('util.inspect() of the pool', contender.inspected),
    INSPECT_EVERY_MS,
  );
  return () => {
    clearInterval(books);
    clearInterval(look);
  };
}

/** Passwords are changed under way: every one that was ever in the file is a secret. @returns how to stop */
export function watchPassword(file: string, evidence: Evidence): () => void {
  const read = () => evidence.secrets.add('the password', readFileSync(file, 'utf8').trim());
  read();
  const timer = setInterval(read, 500);
  return () => clearInterval(timer);
}
