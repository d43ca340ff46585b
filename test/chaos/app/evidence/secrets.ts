import { inspect } from 'node:util';

/** I15: what must not appear in anything that is logged, thrown, told or inspected. */
export class Secrets {
  readonly #markers = new Map<string, string>();

  add(what: string, marker: string): void {
    if (marker.length > 0) this.#markers.set(marker, what);
  }

  /** @returns which secret is in the text */
  in(text: string): string | undefined {
    for (const [marker, what] of this.#markers) if (text.includes(marker)) return what;
    return undefined;
  }

  /** Looks at a thing the ways that logs and serializers do. */
  inside(thing: unknown, depth = 6): string | undefined {
    const message = thing instanceof Error ? `${thing.message}\n${thing.stack}` : '';
    return this.in(message) ?? this.in(jsonOf(thing)) ?? this.in(inspect(thing, { depth }));
  }
}

/** What cannot be serialized cannot be seen that way either. */
function jsonOf(thing: unknown): string {
  const seen = new WeakSet();
  const plain = (_key: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return value;
  };
  try {
    return JSON.stringify(thing, plain) ?? '';
  } catch {
    return '';
  }
}
