import type { Memory } from './app/memory.js';
import type { Look } from './evidence.js';

const mebibyte = 2 ** 20;
/**
 * What a run of a minute or two can tell from noise. What grows more slowly is found by the soak, which has the time.
 */
const allowed = { heap: 12 * mebibyte, listeners: 4, timers: 12, sockets: 8 };

/** I12: what there is when the load is over, against what there was before the first fault, under load. */
export function lookAtGrowth(before: Memory, after: Memory): Look[] {
  const sockets = (memory: Memory) => memory.handles.TCPSocketWrap ?? 0;
  const look = (what: string, grown: number, limit: number): Look => ({
    invariant: 'I12',
    beyond: grown > limit,
    detail: `${what} grew by ${grown}, ${limit} allowed`,
  });
  return [
    look('the heap, in bytes,', after.heapUsed - before.heapUsed, allowed.heap),
    look('the number of listeners', after.listeners - before.listeners, allowed.listeners),
    look('the number of timers', after.timers - before.timers, allowed.timers),
    look('the number of sockets', sockets(after) - sockets(before), allowed.sockets),
  ];
}
