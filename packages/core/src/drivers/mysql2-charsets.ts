import mysql from 'mysql2';

/** The driver's own table, collation name → number; here the other way round. */
const { Charsets } = mysql as unknown as { Charsets: Record<string, number> };
const collations = new Map<number, string>();
for (const [name, number] of Object.entries(Charsets)) {
  // Plain names such as UTF8 are aliases of a collation that is listed too.
  if (name.includes('_') || !collations.has(number)) collations.set(number, name.toLowerCase());
}

const charsets = new Map([...collations].map(([number, name]) => [number, name.split('_')[0] as string]));

/** MariaDB's NO PAD twin of a collation is that much further on; the driver's table is without them. */
const NO_PAD = 1024;

/** For example `utf8mb4_unicode_ci`. */
export function collationOf(charsetNumber: number): string {
  return collations.get(charsetNumber) ?? collations.get(charsetNumber - NO_PAD) ?? 'utf8mb4_unicode_ci';
}

/** For example `utf8mb4`; `binary` is both. */
export function charsetOf(charsetNumber: number): string {
  return charsets.get(charsetNumber) ?? charsets.get(charsetNumber - NO_PAD) ?? 'utf8mb4';
}
