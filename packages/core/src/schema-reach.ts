import { GrantedSchemas } from './grants.js';
import { HotNames } from './hot-names.js';
import { callsOnlyBuiltIns, sourceSchemas } from './view-text.js';

export interface SchemaRows {
  readonly triggers: readonly { readonly schema: string; readonly table: string }[];
  /** Tables with a column whose default leaves something in the session. */
  readonly defaults?: readonly { readonly schema: string; readonly table: string }[];
  readonly views: readonly { readonly schema: string; readonly name: string; readonly definition: string }[];
  readonly schemas: readonly string[];
  /** The lines of SHOW GRANTS. */
  readonly grants: readonly string[];
  readonly defaultSchema: string | null;
  readonly sqlMode: string;
  /** The server shows a table's triggers to whoever may write to it, not only to holders of TRIGGER. */
  readonly writersSeeTriggers?: boolean;
}

/** Not looked into: `sys` calls its own functions, and its views are nobody's daily business. */
export const SYSTEM_SCHEMAS = ['sys', 'mysql'] as const;
/** Hold no stored code and can't be given any. */
export const EMPTY_SCHEMAS = ['information_schema', 'performance_schema'] as const;
const EMPTY: ReadonlySet<string> = new Set(EMPTY_SCHEMAS);
const NAMES_SYSTEM_SCHEMA = /(?<![\w$])(?:sys|mysql)(?![\w$])/i;

/** A text that carries this much costs more to send than a reset does. */
const LONGEST_READ = 20_000;
const CACHED_LENGTH = 2_000;
const CACHE_ENTRIES = 1_000;

type Cache = Map<string, string | null>;

/** What code stored in the schema a statement may run although its text shows none: triggers, and views that call functions. */
export class SchemaReach {
  /** Before anybody has looked. */
  static readonly unknown = new SchemaReach('nobody has looked into the schema yet');

  readonly #everything: string | null;
  readonly #reads = new HotNames();
  readonly #writes = new HotNames();
  #everyWrite: string | null = null;
  #blind: string | null = null;
  readonly #cachedReads: Cache = new Map();
  readonly #cachedWrites: Cache = new Map();
  /** Of texts that need no look at names. */
  readonly #cachedSystem: Cache = new Map();

  private constructor(everything: string | null) {
    this.#everything = everything;
  }

  static from(rows: SchemaRows): SchemaReach {
    const reach = new SchemaReach(whyEverything(rows));
    const writers = rows.writersSeeTriggers ? ['INSERT', 'UPDATE', 'DELETE'] : [];
    // The server lists the views on which one has any privilege.
    reach.#findReads(rows, new GrantedSchemas(rows.grants, 'SELECT'));
    reach.#findWrites(rows, new GrantedSchemas(rows.grants, 'TRIGGER', ...writers));
    return reach;
  }

  /** One sentence for the operator when triggers of the default schema are not visible. */
  get blind(): string | null {
    return this.#blind;
  }

  /** Why a statement whose text alone looks plain may still run code stored in the schema; null = it can't. */
  reached(sql: string, onlyReads: boolean, identifierPlaceholder: boolean): string | null {
    if (this.#everything !== null) return this.#everything;
    if (!onlyReads && this.#everyWrite !== null) return this.#everyWrite;
    const names = onlyReads ? this.#reads : this.#writes;
    if (names.isEmpty) return remember(this.#cachedSystem, sql, inSystemSchema);
    // What `sys` leaves in a session are its own settings: a placeholder alone is no reason to suspect it.
    if (identifierPlaceholder) return 'a `??` in it may name a table or view that runs stored code';
    if (sql.length > LONGEST_READ) return 'it is too long to look for names in it';
    return remember(
      onlyReads ? this.#cachedReads : this.#cachedWrites,
      sql,
      (text) => names.reasonIn(text) ?? inSystemSchema(text),
    );
  }

  #findReads({ views }: SchemaRows, sight: GrantedSchemas): void {
    for (const { name, definition } of views) {
      if (definition === '') this.#reads.add(name, 'a view whose definition the account can not see');
      else if (!callsOnlyBuiltIns(definition)) this.#reads.add(name, 'a view that calls stored code');
      else if (inSystemSchema(definition) !== null) this.#reads.add(name, 'a view of system tables');
      else if (readsBeyond(sight, definition)) {
        this.#reads.add(name, 'a view over what may be a view that the account can not see');
      }
    }
    spread(this.#reads, views, 'a view over one that calls stored code');
  }

  #findWrites(rows: SchemaRows, sight: GrantedSchemas): void {
    const { triggers, defaults = [], views, schemas, defaultSchema, writersSeeTriggers } = rows;
    for (const { table } of defaults) this.#writes.add(table, 'a table whose defaults change the session');
    for (const { table } of triggers) this.#writes.add(table, 'a table with triggers');
    for (const { name, definition } of views) {
      if (readsBeyond(sight, definition)) {
        this.#writes.add(name, 'a view over a table whose triggers the account can not see');
      } else if (this.#reads.reasonIn(`\`${name}\``) !== null) {
        this.#writes.add(name, 'a view that calls stored code');
      }
    }
    if (!writersSeeTriggers) this.#findBlindSpots(schemas, defaultSchema, sight);
    spread(this.#writes, views, 'a view over a table with triggers');
  }

  #findBlindSpots(schemas: readonly string[], defaultSchema: string | null, sight: GrantedSchemas): void {
    for (const schema of schemas) {
      if (!sight.covers(schema)) {
        this.#writes.add(schema, 'a schema whose triggers the account can not see');
      }
    }
    if (defaultSchema === null || sight.covers(defaultSchema)) return;
    this.#everyWrite = `it writes, and the account can not see the triggers of \`${defaultSchema}\``;
    this.#blind = `the account can't see triggers of \`${defaultSchema}\` (no TRIGGER privilege), so every write costs a reset; grant TRIGGER on this schema to the account`;
  }
}

function whyEverything({ sqlMode, defaultSchema }: SchemaRows): string | null {
  // MariaDB 10.11 wants the parentheses after a stored function there too; that no version omits them is unproved.
  if (/\boracle\b/i.test(sqlMode)) return 'sql_mode ORACLE gives texts another meaning';
  if (defaultSchema !== null && inSystemSchema(defaultSchema) !== null)
    return 'its schema is a system schema';
  return null;
}

function inSystemSchema(sql: string): string | null {
  return NAMES_SYSTEM_SCHEMA.test(sql) ? 'it names a system schema' : null;
}

/** With the rights of its definer a view reaches what the account can't see. */
function readsBeyond(sight: GrantedSchemas, definition: string): boolean {
  return sourceSchemas(definition).some((schema) => !EMPTY.has(schema) && !sight.covers(schema));
}

/** What is over something hot is hot, however many views lie between. */
function spread(names: HotNames, views: SchemaRows['views'], what: string): void {
  let cold = views;
  for (let found = true; found; ) {
    const heated = cold.filter(({ definition }) => names.reasonIn(definition) !== null);
    for (const { name } of heated) names.add(name, what);
    cold = cold.filter((view) => !heated.includes(view));
    found = heated.length > 0;
  }
}

function remember(cache: Cache, sql: string, find: (sql: string) => string | null): string | null {
  const known = cache.get(sql);
  if (known !== undefined) return known;
  const reason = find(sql);
  if (sql.length <= CACHED_LENGTH) {
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    cache.set(sql, reason);
  }
  return reason;
}
