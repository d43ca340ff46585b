/** What was printed, without what differs from one run to the next: ports, process ids, times; several processes as one. */
export class Transcript {
  readonly #pieces: string[] = [];
  port = 3306;

  add(text: string): void {
    this.#pieces.push(text);
  }

  get text(): string {
    const text = this.#pieces
      .join('\n')
      .replaceAll(`:${this.port}`, ':3306')
      .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:3000')
      .replace(/127\.0\.0\.1:(?!3306\b|3000\b)\d+/g, '127.0.0.1:…')
      .replace(/\(node:\d+\) /g, '')
      .replace(/\bpid \d+/g, 'pid …')
      .replace(/#\d+\b/g, '#…')
      .replace(
        /\b(up for|asleep for|open for|longest for|in the last|one as #… for) [\d.]+ (?:ms|s)\b/g,
        '$1 …',
      )
      .replace(/\b(for|waited|again in) \d+ ms\b/g, '$1 … ms');
    return withSummedRows(text).trim();
  }
}

const ROWS = /^connections +user .*\n(?: +\d+ .*\n)+/gm;

/** The doctor's table of connections: processes of the same program together, and no ages. */
function withSummedRows(text: string): string {
  return text.replace(ROWS, (rows) => {
    const [head = [], ...body] = rows.trimEnd().split('\n').map(cellsOf);
    const sums = new Map<string, number>();
    for (const [count, ...others] of body) {
      const key = [...others.slice(0, -1), '…'].join('|');
      sums.set(key, (sums.get(key) ?? 0) + Number(count));
    }
    return aligned([head, ...[...sums].map(([key, count]) => [String(count), ...key.split('|')])]);
  });
}

function cellsOf(row: string): string[] {
  return row.trim().split(/ {2,}/);
}

/** The first column and the last are figures. */
function aligned(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 || column === widths.length - 1 ? cell.padStart(width) : cell.padEnd(width);
  };
  return rows.map((row) => `${row.map(pad).join('  ')}\n`).join('');
}
