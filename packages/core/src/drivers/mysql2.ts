import { connect } from 'node:net';
import mysql, { type ConnectionOptions } from 'mysql2';
import type {
  Ask,
  Driver,
  Formatter,
  OpenDone,
  OpenSettings,
  RawConnection,
  StoredCode,
  Survey,
} from '../driver.js';
import { HandbackError } from '../errors.js';
import { readSchemaReach, readServerFacts } from '../server-facts.js';
import { driverConfig } from './mysql2-config.js';
import { connectionLost, type Handshake, Mysql2Connection } from './mysql2-connection.js';
import { unnamed } from './mysql2-format.js';
import { PacketGate } from './mysql2-gate.js';
import { hazards } from './mysql2-hazards.js';
import { internals } from './mysql2-internals.js';
import { withoutRoom } from './mysql2-statements.js';
import { verifyServer } from './mysql2-tls.js';

/** As the driver's `createConnection` does it, with options that were read already. */
const { Connection } = mysql as unknown as { Connection: new (options: { config: object }) => RawConnection };

/** What is said to the server before anybody else may use the connection. */
type Greeting = (connection: Mysql2Connection, settings: OpenSettings) => Promise<void>;

function open(settings: OpenSettings, greet: Greeting, done: OpenDone): (reason: Error) => void {
  const { address } = settings;
  let made: RawConnection | undefined;
  let raw: RawConnection;
  try {
    const config = driverConfig(settings.config, settings);
    if (address) config.stream = () => connect(address.port, address.host).setNoDelay(true);
    raw = made = withoutRoom(config, () => new Connection({ config }));
    verifyServer(raw);
  } catch (error) {
    // An unknown character set or TLS profile: the driver throws before it connects.
    if (made) internals(made).stream.destroy();
    process.nextTick(done, error as Error);
    return () => {};
  }
  let settled = false;
  const settle: OpenDone = (error, connection) => {
    if (settled) return;
    settled = true;
    if (error) internals(raw).stream.destroy();
    done(error, connection);
  };
  const gate = new PacketGate(raw);
  gate.onFault = settle;
  // Permanent: an 'error' event without a listener ends the process.
  raw.on('error', (error) => settle(error));
  raw.on('end', () => {
    // An error costs its stack, and most connections end long after this.
    if (!settled) settle(connectionLost());
  });
  (raw as NodeJS.EventEmitter).once('connect', (handshake: Handshake) => {
    // Said from inside the handshake command, which the driver counts as running until it returns.
    process.nextTick(() => {
      if (settled) return;
      const connection = new Mysql2Connection(raw, handshake, gate, settings.pipelining);
      greet(connection, settings).then(() => settle(null, connection), settle);
    });
  });
  return (reason) => {
    if (settled) return;
    internals(raw).stream.destroy(reason);
    settle(reason);
  };
}

function formatter(config: ConnectionOptions | null): Formatter {
  // The driver's own reading of the options, those in the uri's query string included.
  const { ConnectionConfig } = mysql as unknown as {
    ConnectionConfig: new (config: object) => ConnectionOptions;
  };
  let read: ConnectionOptions;
  try {
    read = new ConnectionConfig({ ...config });
  } catch (error) {
    const { message } = error as Error;
    throw new HandbackError(
      'INVALID_OPTION',
      `The driver refuses the option 'uri' or 'connection': ${message}.`,
    );
  }
  const { stringifyObjects, timezone, namedPlaceholders } = read;
  return {
    namedPlaceholders: config ? Boolean(namedPlaceholders) : undefined,
    unnamed: (sql, values) => unnamed(sql, values, true),
    format: (sql, values) => mysql.format(sql, values as [], stringifyObjects, timezone as never),
    escape: (value) => mysql.escape(value as never, stringifyObjects, timezone as never),
    escapeId: (identifier) => mysql.escapeId(identifier),
  };
}

/** A server, or a proxy, that won't say costs knowledge, not the connection. */
async function surveyWith(ask: Ask): Promise<Survey> {
  const facts = await readServerFacts(ask).catch((error) => refused(error, null));
  const reach = await readSchemaReach(ask).catch((error: Error) => refused(error, unseen(error)));
  return { facts, reach };
}

function refused<T>(error: Error & { sqlState?: string }, instead: T): T {
  if (error.sqlState === undefined) throw error;
  return instead;
}

function unseen(error: Error): StoredCode {
  const why = `the schema could not be searched for triggers and views (${error.message}), so every session is reset after use`;
  return { reached: () => why, blind: why };
}

/** mysql2, with what it was found to show of the server's status: asked on the first connection that can tell. */
export class Mysql2Driver implements Driver {
  #showsStatus: boolean | undefined;
  readonly #greet: Greeting = async (connection, { settlesAtOnce = false }) => {
    this.#showsStatus ??= (await connection.showsStatus()) ?? undefined;
    if (!this.#showsStatus) connection.doubtStatus();
    await connection.begin(settlesAtOnce);
  };

  open(settings: OpenSettings, done: OpenDone): (reason: Error) => void {
    return open(settings, this.#greet, done);
  }

  survey(ask: Ask): Promise<Survey> {
    return surveyWith(ask);
  }

  hazards(config: ConnectionOptions): string[] {
    return hazards(config);
  }

  formatter(config: ConnectionOptions | null): Formatter {
    return formatter(config);
  }
}

export const mysql2Driver: Driver = new Mysql2Driver();
