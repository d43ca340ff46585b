import type { ProfileOptions } from './options.js';

const BEGIN = '<!-- profile:start -->';
const END = '<!-- profile:end -->';

/** The document with a new table between its two marks. @throws {Error} when they are not there */
export function withTable(
  document: string,
  table: string,
  { framework, route, requests }: ProfileOptions,
): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from)
    throw new Error(`docs/performance.md has no place for the table: ${BEGIN} … ${END}`);
  const caption = `\`npm run profile -- --write\`: ${requests} requests, ${framework}, route \`${route}\`, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}.`;
  return `${document.slice(0, from)}${BEGIN}\n${caption}\n\n${table}\n${document.slice(to)}`;
}
