interface Block {
  readonly severity: string;
  readonly id: string;
  readonly lines: string[];
}

const FINDING = /^(critical|warning|info|ok) +.*\[([a-z-]+)\]$/;

/**
 * The doctor's output without what is well, and without remarks that are not about the incident: `about` has the ids of
 * those that are.
 */
export function worries(output: string, about: readonly string[]): string {
  const lines = output.split('\n');
  const first = lines.findIndex((line) => FINDING.test(line));
  if (first === -1) return output;
  const length = lines.slice(first).indexOf('');
  const end = length === -1 ? lines.length : first + length;
  const blocks = blocksOf(lines.slice(first, end));
  const shown = blocks.filter(({ severity, id }) => /critical|warning/.test(severity) || about.includes(id));
  const left = blocks.length - shown.length;
  return [
    ...lines.slice(0, first),
    ...shown.flatMap((block) => block.lines),
    `[…]       ${left} more, info or ok`,
    ...lines.slice(end),
  ].join('\n');
}

/** A finding is a line with what it rests on below it. */
function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    const [, severity, id] = FINDING.exec(line) ?? [];
    if (severity && id) blocks.push({ severity, id, lines: [line] });
    else blocks.at(-1)?.lines.push(line);
  }
  return blocks;
}
