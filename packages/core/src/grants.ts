/**
 * On which schemas SHOW GRANTS gives the account one of some privileges, on all that is in them. It says so only
 * when that is certain: the price of a mistake in the other direction is a session that nobody cleans.
 */

const TO_GRANTEE = /\sTO\s+((?:[`'"][^`'"]*[`'"](?:@[`'"][^`'"]*[`'"])?)|\S+)/;
const ON_SCHEMA = /^(GRANT|REVOKE)\s+(.+?)\s+ON\s+(?:\*\.\*|([`'"]?)(.+?)\3\.\*)\s+(?:TO|FROM)\s/;

interface Line {
  /** null = all schemas. */
  readonly pattern: string | null;
  readonly gives: boolean;
}

export class GrantedSchemas {
  readonly #byGrantee = new Map<string, Line[]>();
  readonly #revoked: string[] = [];

  readonly #privileges: ReadonlySet<string>;

  /** `privileges` = any one of these will do. */
  constructor(grants: readonly string[], ...privileges: string[]) {
    this.#privileges = new Set(['ALL', 'ALL PRIVILEGES', ...privileges]);
    for (const grant of grants) this.#read(grant);
  }

  covers(schema: string): boolean {
    // Partial revokes (MySQL) take away from what is granted on *.*.
    if (this.#revoked.some((name) => matches(name, schema, 'i'))) return false;
    for (const lines of this.#byGrantee.values()) {
      if (lines.some(({ pattern, gives }) => pattern === null && gives)) return true;
      // Of several patterns of one grantee that match, the server uses the most specific alone.
      const ofSchema = lines.filter(({ pattern }) => pattern !== null && matches(pattern, schema, 'i'));
      const certain = ofSchema.some(({ pattern }) => pattern !== null && matches(pattern, schema, ''));
      if (certain && ofSchema.every(({ gives }) => gives)) return true;
    }
    return false;
  }

  #read(grant: string): void {
    const [, verb, privileges = '', quote = '', quoted] = ON_SCHEMA.exec(grant) ?? [];
    if (verb === undefined) return;
    const pattern = (quote ? quoted?.replaceAll(quote + quote, quote) : quoted) ?? null;
    const gives = privileges.split(',').some((name) => this.#privileges.has(name.trim().toUpperCase()));
    if (verb === 'REVOKE') {
      this.#revoked.push(pattern ?? '%');
      return;
    }
    const grantee = TO_GRANTEE.exec(grant.slice(grant.lastIndexOf('.* TO ')))?.[1] ?? '';
    const lines = this.#byGrantee.get(grantee) ?? [];
    lines.push({ pattern, gives });
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
