import { basename } from 'node:path';
import type { ConnectionOptions } from 'mysql2';

/**
 * Connection defaults, each with its reason:
 * - LOCAL_FILES off: a rogue server could ask for any file of this machine.
 * - IGNORE_SPACE off: it is a client flag that COM_RESET_CONNECTION loses, so `count (*)` would work on a
 *   fresh connection and fail on a reset one.
 * - maxPreparedStatements 100: the server's limit (16 382) is shared by all clients, the driver's default
 *   (16 000) is per connection and allocates for it.
 * - keepAliveInitialDelay: Linux would otherwise look for a dead peer after two hours.
 */
const MAX_PREPARED_STATEMENTS = 100;
const KEEP_ALIVE_INITIAL_DELAY_MS = 10_000;

function mergeFlags(given: string | readonly string[] | undefined): string[] {
  const flags = typeof given === 'string' ? given.split(/\s*,+\s*/) : [...(given ?? [])];
  const asked = new Set(flags.map((flag) => flag.toUpperCase().replace(/^\+/, '')));
  for (const flag of ['LOCAL_FILES', 'IGNORE_SPACE']) if (!asked.has(flag)) flags.push(`-${flag}`);
  return flags.filter((flag) => flag !== '');
}

export interface ConfigContext {
  readonly poolName: string;
}

/** What the driver is given for one connection: a fresh object, since mysql2 writes into it. */
export function completeConfig(config: ConnectionOptions, context: ConfigContext): ConnectionOptions {
  return {
    maxPreparedStatements: MAX_PREPARED_STATEMENTS,
    keepAliveInitialDelay: KEEP_ALIVE_INITIAL_DELAY_MS,
    ...config,
    // The pool has a deadline of its own, which knows a blocked event loop from a silent server.
    connectTimeout: 0,
    flags: mergeFlags(config.flags),
    // Stacks are taken by the driver's promise layer only, which is not used here.
    trace: false,
    connectAttributes: {
      program_name: basename(process.argv[1] ?? 'node'),
      handback_pool: context.poolName,
      handback_pid: String(process.pid),
      ...config.connectAttributes,
    },
  } as ConnectionOptions;
}
