import fc from 'fast-check';

/** Statements made of fragments that are harmless, dangerous, or look like the other kind. */

const HARMLESS_EXPRESSIONS = [
  '1',
  'a',
  '`a`',
  'COUNT(*)',
  "CONCAT(b, 'x')",
  'IFNULL(a, 0)',
  'MD5(b)',
  'a + 1',
  'CAST(a AS CHAR(10))',
  '(SELECT MAX(id) FROM fuzz_rows)',
  'CASE WHEN a IN (1, 2) THEN 3 ELSE 4 END',
  'ROW_NUMBER() OVER (ORDER BY id)',
  "JSON_EXTRACT('{}', '$.a')",
  'NOW() - INTERVAL 1 DAY',
  "{fn LCASE('A')}",
  "_gbk'x'",
  "N'x'",
  'a.b',
];

/** Each changes the session, at least in some SQL mode. */
export function dangerousExpressions(schema: string): string[] {
  return [
    "GET_LOCK('fuzz', 0)",
    'Get_Lock("fuzz", 0)',
    '@fuzz := 1',
    "@'fuzz' := 1",
    '@`fuzz`:=1',
    'stain(1)',
    'stain\n(1)',
    '`stain`(1)',
    '"stain"(1)',
    'größe(1)',
    '$stain(1)',
    'wee\u212a(1)',
    'json_table(1)',
    'count (1)',
    'trim\t(1)',
    '{fn stain(1)}',
    'NEXTVAL(fuzz_sequence)',
    'NEXT VALUE FOR fuzz_sequence',
    `${schema}.stain(1)`,
    `${schema}.md5(1)`,
    `${schema} . md5 (1)`,
    `${schema}.in(1)`,
    `\`${schema}\`.count(1)`,
    `${schema}.\`md5\`(1)`,
    '1 INTO @fuzz',
  ];
}

const EXPRESSION_PLACES: readonly ((expression: string) => string)[] = [
  (x) => `SELECT ${x}`,
  (x) => `SELECT id, ${x} FROM fuzz_rows`,
  (x) => `(SELECT ${x})`,
  (x) => `SELECT * FROM fuzz_rows WHERE a IN (1, 2) OR ${x}`,
  (x) => `SELECT * FROM fuzz_rows AS t WHERE id = ${x} FOR UPDATE`,
  (x) => `SELECT ABS(${x}), '/*', "--", 'it''s' FROM fuzz_rows`,
  (x) => `SELECT '/*', ${x}`,
  (x) => `SELECT 1 UNION SELECT ${x}`,
  (x) => `WITH c (n) AS (SELECT ${x}) SELECT * FROM c`,
  (x) => `VALUES (${x})`,
  (x) => `SHOW TABLES WHERE ${x}`,
  (x) => `EXPLAIN SELECT * FROM (SELECT ${x} AS n) AS d`,
  (x) => `INSERT INTO fuzz_rows (id) VALUES (${x})`,
  (x) => `INSERT IGNORE INTO fuzz_rows SELECT 1, 1, ${x}`,
  (x) => `INSERT INTO fuzz_rows SET id = 1 ON DUPLICATE KEY UPDATE a = ${x}`,
  (x) => `INSERT INTO fuzz_rows (id) VALUES (9) RETURNING ${x}`,
  (x) => `REPLACE fuzz_rows (id, a) VALUES (1, ${x})`,
  (x) => `UPDATE fuzz_rows SET a = ${x} WHERE id = 1`,
  (x) => `DELETE FROM fuzz_rows WHERE id = 9 AND ${x}`,
  (x) => `SELECT 1 ORDER BY ${x} LIMIT 1`,
];

export const DANGEROUS_STATEMENTS = [
  'SET @fuzz = 1',
  'SET autocommit = 0',
  "SET sql_mode = 'PIPES_AS_CONCAT'",
  "SET time_zone = '+05:00'",
  'SET timestamp = 1',
  'SET NAMES latin1',
  'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
  'SET SESSION TRANSACTION READ ONLY',
  'USE information_schema',
  'CREATE TEMPORARY TABLE fuzz_temporary (a INT)',
  "PREPARE fuzz_prepared FROM 'SELECT 1'",
  'HANDLER fuzz_rows OPEN',
  'LOCK TABLES fuzz_rows READ',
  'CALL stain_procedure()',
  "EXECUTE IMMEDIATE 'SET @fuzz = 1'",
  'BEGIN NOT ATOMIC SET @fuzz = 1; END',
  'DO stain(1)',
  'ANALYZE SELECT stain(1)',
  'COMMIT RELEASE',
  'ROLLBACK WORK RELEASE',
] as const;

const HARMLESS_STATEMENTS = [
  'BEGIN',
  'START TRANSACTION READ ONLY',
  'COMMIT AND CHAIN',
  'ROLLBACK',
  'SAVEPOINT s',
  'SHOW WARNINGS',
  'DESCRIBE fuzz_rows',
  'SELECT DISTINCT a FROM fuzz_rows PROCEDURE ANALYSE()',
  'SET STATEMENT max_statement_time = 1 FOR SELECT 1',
];

const COMMENTS: readonly ((inner: string) => string)[] = [
  (x) => `/* ${x} */`,
  (x) => `/**/ ${x} /**/`,
  (x) => `/*/ ${x} /*/`,
  (x) => `/*+ ${x} */`,
  (x) => `/*! ${x} */`,
  (x) => `/*!50000${x}*/`,
  (x) => `/*!999999 ${x} */`,
  (x) => `/*M! ${x} */`,
  (x) => `/*m!100100 ${x} */`,
  (x) => `/*! /* */ ${x} */`,
  (x) => `-- ${x}\n`,
  (x) => `--${x}\n`,
  (x) => `-- '\n${x}`,
  (x) => `--\u00a0'\n${x} -- '`,
  (x) => `--\u0001'\n${x} -- '`,
  (x) => `#${x}\n`,
  (x) => `# ' */\n${x}`,
];

const QUOTES: readonly ((content: string) => string)[] = [
  (x) => `'${x.replaceAll("'", "''")}'`,
  (x) => `'${x.replace(/[\\']/g, '\\$&')}'`,
  (x) => `'${x}'`,
  (x) => `"${x.replaceAll('"', '""')}"`,
  (x) => `"${x}"`,
  (x) => `'\\', ${x}, '\\''`,
  (x) => `"\\", ${x}, "\\""`,
  (x) => `_gbk'${x}'`,
  (x) => `_utf8mb4'\\'${x}'`,
  (x) => `\`${x}\``,
];

/** Each tells of the statements before it, at least in some SQL mode. */
export const ASKING_EXPRESSIONS = [
  'LAST_INSERT_ID()',
  'last_insert_id ( )',
  '`last_insert_id`()',
  '"last_insert_id"()',
  '@@last_insert_id',
  '@@session . identity',
  '@@`identity`',
  '@@warning_count',
  '@@local.error_count',
  'ROW_COUNT()',
  'Found_Rows()',
  'tell()',
  'LASTVAL(fuzz_sequence)',
  'PREVIOUS VALUE FOR fuzz_sequence',
  "(SELECT SESSION_VALUE FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME = 'identity')",
  "(SELECT VARIABLE_VALUE FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME = 'last_insert_id')",
];

export const ASKING_STATEMENTS = [
  'SHOW WARNINGS',
  'SHOW WARNINGS LIMIT 1',
  'SHOW COUNT(*) WARNINGS',
  'SHOW ERRORS',
  "SHOW VARIABLES LIKE 'last_insert_id'",
  "SHOW SESSION VARIABLES WHERE Variable_name = 'warning_count'",
  'GET DIAGNOSTICS @n = NUMBER; SELECT @n',
  'SET @n = LAST_INSERT_ID(); SELECT @n',
  'CALL tell_procedure()',
  'DO LAST_INSERT_ID()',
  "EXECUTE IMMEDIATE 'SELECT ROW_COUNT()'",
];

/** What may turn one reading of the text into another. */
const SPLINTERS = [
  ...[
    "'",
    '"',
    '`',
    '\\',
    "\\'",
    "''",
    '/*',
    '*/',
    '/*!',
    '/*M!',
    '*/ /*',
    '--',
    '-- ',
    '#',
    '\n',
    '\0',
    '\v',
  ],
  ...[
    '\u00a0',
    '\ufeff',
    ';',
    '; ',
    '.',
    ',',
    '(',
    ')',
    ' (',
    '@',
    '@@',
    ':=',
    '{',
    '}',
    '?',
    '\u001a',
    'é',
    ' ',
  ],
];

const DISGUISES: readonly ((sql: string) => string)[] = [
  (sql) => sql.toLowerCase(),
  (sql) => sql.replaceAll('(', ' ('),
  (sql) => sql.replaceAll('(', '/**/('),
  (sql) => sql.replaceAll(' ', '\n'),
  (sql) => sql.replaceAll(' ', '/* */'),
  (sql) => sql.replace(' ', '\u00a0'),
  (sql) => `/* route */ ${sql}`,
  (sql) => `-- name: x\n${sql}`,
  (sql) => `${sql} /* trailing */`,
  (sql) => `${sql};`,
  (sql) => `${sql} '*/`,
  (sql) => `${sql} -- */`,
  (sql) => `${sql} # */`,
];

const harmlessExpression = fc.constantFrom(...HARMLESS_EXPRESSIONS);
const place = fc.constantFrom(...EXPRESSION_PLACES);

/** Everyday statements, with nothing in them that should cost a reset. */
export const harmlessStatement = fc.oneof(
  fc.tuple(place, harmlessExpression).map(([at, x]) => at(x)),
  fc.constantFrom(...HARMLESS_STATEMENTS),
);

/** Statements of every kind, whole and mutilated. */
export function statement(dangerous: readonly string[], whole: readonly string[]): fc.Arbitrary<string> {
  const danger = fc.constantFrom(...dangerous);
  const expression = fc.oneof(
    harmlessExpression,
    danger,
    fc.tuple(fc.constantFrom(...QUOTES), danger).map(([quote, x]) => quote(x)),
    fc
      .tuple(harmlessExpression, fc.constantFrom(...COMMENTS), danger)
      .map(([x, c, y]) => `${x} ${c(`, ${y}`)}`),
    fc.tuple(harmlessExpression, danger).map(([x, y]) => `${x}, ${y}`),
  );
  const base = fc.oneof(
    { arbitrary: fc.tuple(place, expression).map(([at, x]) => at(x)), weight: 8 },
    { arbitrary: fc.constantFrom(...whole), weight: 1 },
    {
      arbitrary: fc
        .tuple(fc.constantFrom(...COMMENTS), danger)
        .map(([comment, x]) => `${comment(`SELECT ${x} UNION`)} SELECT 1`),
      weight: 1,
    },
    { arbitrary: fc.constantFrom(...HARMLESS_STATEMENTS), weight: 1 },
    {
      arbitrary: fc
        .tuple(
          fc.constantFrom(...HARMLESS_STATEMENTS, 'SELECT 1', ''),
          fc.constantFrom(...COMMENTS),
          fc.constantFrom(...whole),
        )
        .map(([sql, comment, other]) => `${sql} ${comment(other)}`),
      weight: 1,
    },
    {
      arbitrary: fc
        .tuple(
          fc.constantFrom('BEGIN', 'SELECT 1', "SELECT ';'"),
          fc.constantFrom(';', '; ', ';\n', ';;'),
          fc.constantFrom(...whole),
        )
        .map((parts) => parts.join('')),
      weight: 1,
    },
  );
  return fc
    .tuple(
      base,
      fc.array(fc.constantFrom(...DISGUISES), { maxLength: 2 }),
      fc.oneof({ arbitrary: fc.constant([]), weight: 2 }, fc.array(mutation(base), { maxLength: 3 })),
    )
    .map(([sql, disguises, mutations]) =>
      [...disguises, ...mutations].reduce((text, change) => change(text), sql),
    );
}

type Change = (sql: string) => string;

function mutation(other: fc.Arbitrary<string>): fc.Arbitrary<Change> {
  const position = fc.double({ min: 0, max: 1, noNaN: true });
  return fc.oneof(
    fc.tuple(position, fc.constantFrom(...SPLINTERS)).map(([at, splinter]): Change => {
      return (sql) => insert(sql, at, splinter);
    }),
    fc.tuple(position, fc.integer({ min: 1, max: 4 })).map(([at, length]): Change => {
      return (sql) => sql.slice(0, at * sql.length) + sql.slice(at * sql.length + length);
    }),
    fc.tuple(position, other, position).map(([at, text, from]): Change => {
      return (sql) => sql.slice(0, at * sql.length) + text.slice(from * text.length);
    }),
  );
}

function insert(sql: string, at: number, what: string): string {
  const index = Math.floor(at * sql.length);
  return sql.slice(0, index) + what + sql.slice(index);
}
