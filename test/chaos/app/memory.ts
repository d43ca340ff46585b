import type { EventEmitter } from 'node:events';
import { getHeapCodeStatistics } from 'node:v8';

export interface Memory {
  heapUsed: number;
  /** Of it, what the engine has compiled. */
  code: number;
  rss: number;
  external: number;
  /** process.getActiveResourcesInfo(), counted by type. */
  handles: Record<string, number>;
  timers: number;
  /** Of the process and of its pool's events. */
  listeners: number;
}

/** With --expose-gc, what is left after a collection. */
export async function memoryOf(emitters: EventEmitter[]): Promise<Memory> {
  await collect();
  const { heapUsed, rss, external } = process.memoryUsage();
  const compiled = getHeapCodeStatistics();
  const code = compiled.code_and_metadata_size + compiled.bytecode_and_metadata_size;
  const handles: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) handles[type] = (handles[type] ?? 0) + 1;
  const { Timeout = 0, Immediate = 0 } = handles;
  const listeners = [process, ...emitters].reduce((sum, emitter) => sum + listenersOf(emitter), 0);
  return { heapUsed, code, rss, external, handles, timers: Timeout + Immediate, listeners };
}

/** Twice, with a turn of the loop in between: finalizers free what the first one only found. */
async function collect(): Promise<void> {
  globalThis.gc?.();
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}

function listenersOf(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}
