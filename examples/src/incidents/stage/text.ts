const WIDTH = 120;

/** Of a log, without what Node says of itself. */
export function linesOf(log: string): string[] {
  return log.split('\n').filter((line) => line !== '' && !line.startsWith('(Use `node '));
}

/** Lines that are repeated once, with how often. */
export function counted(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => (count === 1 ? line : `${line}  (${count} times)`));
}

/** A long line as several, indented: a piece of its sentence each. */
export function folded(line: string): string {
  const parts = line.length <= WIDTH ? [line] : line.split(/(?<=;) |(?<=\),) (?=\/)|(?<=\.) (?=The )/);
  return parts.map((part, n) => (n === 0 ? '  ' : '      ') + part).join('\n');
}
