/**
 * What SHOW GRANTS says about the triggers that the account can see. It answers "all of them" for a schema only
 * when that is certain: the price of a mistake in the other direction is a session that nobody cleans.
 */

const TO_GRANTEE = /\sTO\s+((?:[`'"][^`'"]*[`'"](?:@[`'"][^`'"]*[`'"])?)|\S+)/;
const ON_SCHEMA = /^(GRANT|REVOKE)\s+(.+?)\s+ON\s+(?:\*\.\*|([`'"]?)(.+?)\3\.\*)\s+(?:TO|FROM)\s/;

const SHOW_ALL = new Set(['ALL', 'ALL PRIVILEGES', 'TRIGGER']);
const WRITE = new Set(['INSERT', 'UPDATE', 'DELETE']);

interface Line {
  /** null = all schemas. */
  readonly pattern: string | null;
  readonly shows: boolean;
}

export class TriggerSight {
  readonly #byGrantee = new Map<string, Line[]>();
  readonly #revoked: string[] = [];

  /** `writersSee` = the server shows a table's triggers to whoever may write to it. */
  constructor(grants: readonly string[], writersSee: boolean) {
    for (const grant of grants) this.#read(grant, writersSee);
  }

  /** Is every trigger of the schema visible? */
  covers(schema: string): boolean {
    // Partial revokes (MySQL) take away from what is granted on *.*.
    if (this.#revoked.some((name) => matches(name, schema, 'i'))) return false;
    for (const lines of this.#byGrantee.values()) {
      if (lines.some(({ pattern, shows }) => pattern === null && shows)) return true;
      // Of several patterns of one grantee that match, the server uses the most specific alone.
      const ofSchema = lines.filter(({ pattern }) => pattern !== null && matches(pattern, schema, 'i'));
      const certain = ofSchema.some(({ pattern }) => pattern !== null && matches(pattern, schema, ''));
      if (certain && ofSchema.every(({ shows }) => shows)) return true;
    }
    return false;
  }

  #read(grant: string, writersSee: boolean): void {
    const [, verb, privileges = '', quote = '', quoted] = ON_SCHEMA.exec(grant) ?? [];
    if (verb === undefined) return;
    const pattern = (quote ? quoted?.replaceAll(quote + quote, quote) : quoted) ?? null;
    const names = privileges.split(',').map((name) => name.trim().toUpperCase());
    const shows = names.some((name) => SHOW_ALL.has(name) || (writersSee && WRITE.has(name)));
    if (verb === 'REVOKE') {
      this.#revoked.push(pattern ?? '%');
      return;
    }
    const grantee = TO_GRANTEE.exec(grant.slice(grant.lastIndexOf('.* TO ')))?.[1] ?? '';
    const lines = this.#byGrantee.get(grantee) ?? [];
    lines.push({ pattern, shows });
    this.#byGrantee.set(grantee, lines);
  }
}

/** `%` and `_` stand for other characters unless a backslash precedes them. */
function matches(pattern: string, schema: string, flags: '' | 'i'): boolean {
  const source = pattern.replace(/\\([_%\\])|([_%])|[\\^$.*+?()[\]{}|/]/g, (part, escaped, wildcard) => {
    if (wildcard) return wildcard === '%' ? '.*' : '.';
    return escaped ? escaped.replace('\\', '\\\\') : `\\${part}`;
  });
  return new RegExp(`^${source}$`, `su${flags}`).test(schema);
}
