import { framesAbove } from './call-site.js';

/**
 * Rejects with `error`, whose stack then names the code that awaits the statement rather than the driver's
 * packet handling. V8 finds the awaiting functions by following the promise, so nothing is captured, and
 * nothing paid, for statements that succeed.
 */
export async function rejectForCaller(error: Error): Promise<never> {
  // Two turns: by then this promise has been chained to the one that the caller awaits.
  await null;
  await null;
  // Only what the driver made: ours say enough, and an abort reason belongs to somebody else.
  if (error?.constructor === Error) showCaller(error);
  throw error;
}

function showCaller(error: Error): void {
  const frames = framesAbove(rejectForCaller).filter((line) => line.startsWith('    at async '));
  if (frames.length > 0) error.stack = `${error.name}: ${error.message}\n${frames.join('\n')}`;
}
