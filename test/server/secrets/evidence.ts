import { inspect } from 'node:util';

/** Planted where they must not be seen again, each in the middle of what is really used. */
export const PASSWORD = 'Plant3dPassw0rd';
export const CARD = '4111222233334444';

/** The password as an account has it, with what has to be percent-encoded. */
export const WHOLE_PASSWORD = `${PASSWORD}/@:é`;

/** What a logger, a console or an error page would make of something. */
function printed(value: unknown): string {
  const parts = [inspect(value, { depth: 10, showHidden: false }), String(value)];
  try {
    parts.push(JSON.stringify(value) ?? '');
  } catch {
    // Circular, as a framework's own objects are: nothing is sent of it.
  }
  for (let error = value; error instanceof Error; error = error.cause) {
    const { report, stack } = error as Error & { report?: unknown };
    parts.push(
      inspect(error, { depth: 10 }),
      JSON.stringify(error),
      stack ?? '',
      inspect(report, { depth: 10 }),
    );
  }
  return parts.join('\n');
}

/** All that Handback says while scenarios run, kept as text. */
export class Evidence {
  readonly codes = new Set<string>();
  readonly events = new Set<string>();
  readonly warnings = new Set<string>();
  readonly #seen: { readonly where: string; readonly text: string }[] = [];

  look(where: string, value: unknown): void {
    const { code } = (value ?? {}) as { code?: unknown };
    if (value instanceof Error && typeof code === 'string') this.codes.add(code);
    this.#seen.push({ where, text: printed(value) });
  }

  /** How often something was looked at. */
  get size(): number {
    return this.#seen.length;
  }

  /** Where a marker shows, with the line that it is in. */
  get leaks(): string[] {
    const found: string[] = [];
    for (const { where, text } of this.#seen) {
      for (const marker of [PASSWORD, CARD]) {
        const line = text.split('\n').find((each) => each.includes(marker));
        if (line !== undefined) found.push(`${where}: ${line.trim().slice(0, 300)}`);
      }
    }
    return found;
  }
}

/** Everything that is written to the console, and every warning of the process, while `work` runs. */
export async function listening(evidence: Evidence, work: () => Promise<void>): Promise<void> {
  const methods = ['log', 'info', 'warn', 'error', 'debug'] as const;
  const originals = methods.map((name) => console[name]);
  for (const name of methods) {
    console[name] = (...all: unknown[]) => {
      for (const each of all) evidence.look(`console.${name}`, each);
    };
  }
  const warned = (warning: Error) => evidence.look('process warning', warning);
  process.on('warning', warned);
  try {
    await work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', warned);
    for (const [index, name] of methods.entries()) console[name] = originals[index] as never;
  }
}
