const quickMs = 1_000;

/**
 * Does some work and, when it takes longer than a moment, says so: once while it is running, once when it is done.
 *
 * @template T
 * @param {string} title such as "Installing the packages"
 * @param {() => Promise<T>} work
 * @param {(line: string) => void} [log]
 * @returns {Promise<T>}
 */
export async function step(title, work, log = console.log) {
  const start = performance.now();
  const timer = setTimeout(() => log(`${title} …`), quickMs);
  try {
    const result = await work();
    const elapsed = performance.now() - start;
    if (elapsed > quickMs) log(`${title}: done in ${(elapsed / 1_000).toFixed(1)} s`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
