import type { Said } from './worker.js';

/** How a worker answers to one kind of question. */
// biome-ignore lint/suspicious/noExplicitAny: what is asked is known to the two files alone that belong together.
export type Answer = (value: any) => unknown;

/** Tells the parent that this process is set up, and answers its questions from then on. */
export function answer(answers: Record<string, Answer>, ready?: unknown): void {
  // The parent is gone: nobody needs this process any more.
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ to, what, value }: { to: number; what: string; value: unknown }) => {
    try {
      say({ to, value: await answers[what]?.(value) });
    } catch (error) {
      say({ to, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  say({ ready: ready ?? null });
}

function say(said: Said): void {
  if (process.connected) process.send?.(said);
}
