import { basename } from 'node:path';
import mysql, { type ConnectionOptions } from 'mysql2';

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

/** The options that the driver is given. */
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

/** mysql2's own reading of its options: one for each connection, since it writes into it. */
export interface DriverConfig {
  stream?: unknown;
  maxPreparedStatements: number;
}

interface Reading {
  /** The options as they were then, and what was read of them. */
  readonly given: ConnectionOptions;
  readonly poolName: string;
  readonly config: DriverConfig;
}

const { ConnectionConfig } = mysql as unknown as {
  ConnectionConfig: { new (options: object): DriverConfig; readonly prototype: object };
};

const readings = new WeakMap<ConnectionOptions, Reading>();

/**
 * What the driver is to know for one connection. To read a uri and all options costs more than the rest of making one, so
 * that it is done once for as long as they stay the same: an application may put another password into its object.
 *
 * @throws what the driver says of options that it does not take
 */
export function driverConfig(given: ConnectionOptions, { poolName }: ConfigContext): DriverConfig {
  let reading = readings.get(given);
  if (reading?.poolName !== poolName || !isAsItWas(given, reading.given)) {
    const config = new ConnectionConfig(completeConfig(given, { poolName }));
    reading = { given: { ...given }, poolName, config };
    readings.set(given, reading);
  }
  return Object.setPrototypeOf({ ...reading.config }, ConnectionConfig.prototype);
}

function isAsItWas(now: ConnectionOptions, then: ConnectionOptions): boolean {
  const names = Object.keys(now) as (keyof ConnectionOptions)[];
  return names.length === Object.keys(then).length && names.every((name) => now[name] === then[name]);
}
