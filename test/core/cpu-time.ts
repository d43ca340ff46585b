/** Processor time that `work` takes: unlike the time on the wall it does not depend on what else runs here. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
