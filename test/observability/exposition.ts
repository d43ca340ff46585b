import assert from 'node:assert/strict';

/** One line of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric, with what its HELP and TYPE lines say. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/.source;
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? assert.fail(`labels of: ${line}`);
    assert.ok(!(name in labels), `a label twice: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

/** Reads the text format of Prometheus, line by line. Whatever is not of it fails. */
export function parseExposition(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [, what, about = '', said = ''] = COMMENT.exec(line) ?? [];
    if (what) {
      const family = families.get(about) ?? { type: '', help: '', samples: [] };
      families.set(about, family);
      family[what === 'HELP' ? 'help' : 'type'] = said;
      continue;
    }
    const [, name = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`not a line: ${line}`);
    const base = families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    const family = families.get(base) ?? assert.fail(`without a TYPE before it: ${line}`);
    const key = line.slice(0, line.lastIndexOf(' '));
    assert.ok(!seen.has(key), `a series twice: ${line}`);
    seen.add(key);
    const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
    assert.ok(!Number.isNaN(number), `no number: ${line}`);
    family.samples.push({ name, labels: labelsOf(labelText, line), value: number });
  }
  return families;
}

/** What was scraped, to be asked. */
export class Scrape {
  readonly families: Map<string, Family>;

  constructor(text: string) {
    this.families = parseExposition(text);
  }

  /** Samples of one name with these labels, among others. */
  samples(name: string, labels: Record<string, string> = {}): Sample[] {
    const all = [...this.families.values()].flatMap(({ samples }) => samples);
    return all.filter(
      (each) =>
        each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
    );
  }

  /** The sum of those. */
  value(name: string, labels: Record<string, string> = {}): number {
    return this.samples(name, labels).reduce((sum, { value }) => sum + value, 0);
  }
}
