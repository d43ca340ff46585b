/** The process warnings (MaxListenersExceededWarning and the like) that `work` causes. */
export async function warningsDuring(work: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const record = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on('warning', record);
  try {
    await work();
    // emitWarning() reports on a later tick than the one that earned it.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', record);
  }
  return warnings;
}
