/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Schedule {
  perSecond: number;
  durationMs: number;
  seed: number;
}

/**
 * When requests arrive, in ms from the start, in order: as those of many people who know nothing of each other (a
 * Poisson process), and who do not wait for one another's answers.
 */
export function arrivals({ perSecond, durationMs, seed }: Schedule): number[] {
  const random = seeded(seed);
  const times: number[] = [];
  let at = 0;
  for (;;) {
    at += (-Math.log(1 - random()) * 1_000) / perSecond;
    if (at >= durationMs) return times;
    times.push(at);
  }
}

/** Calls `act` for each of these times with its index, however long what it starts may take; resolves after the last. */
export function onSchedule(
  times: readonly number[],
  act: (index: number, due: number) => void,
): Promise<void> {
  const start = performance.now();
  return new Promise((resolve) => {
    let next = 0;
    const step = () => {
      const now = performance.now() - start;
      for (; next < times.length && (times[next] as number) <= now; next++) {
        act(next, start + (times[next] as number));
      }
      if (next === times.length) resolve();
      else setTimeout(step, Math.max(1, (times[next] as number) - now));
    };
    step();
  });
}
