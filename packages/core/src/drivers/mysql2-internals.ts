import type { Socket } from 'node:net';
import type { RawConnection } from '../driver.js';

/** What is used of mysql2's connection beyond its types (3.24.6: lib/base/connection.js). */
export interface Internals {
  readonly stream: Socket;
  readonly state: string;
  readonly threadId: number;
  /** `compress`: what the handshake has agreed on. */
  readonly config: {
    ssl: object | false;
    readonly host: string;
    readonly clientFlags: number;
    readonly namedPlaceholders?: boolean;
    readonly stringifyObjects?: boolean;
    readonly timezone?: string;
    charsetNumber: number;
    database?: string;
    readonly maxPreparedStatements: number;
    queryFormat?: unknown;
    multipleStatements?: boolean;
    compress?: unknown;
    password?: unknown;
    password2?: unknown;
    password3?: unknown;
    socketPath?: string;
    authPlugins?: object;
    authSwitchHandler?: unknown;
  };
  readonly _command: unknown;
  readonly _commands: { readonly length: number };
  readonly _paused: boolean;
  /** By text; what leaves it is closed on the server. */
  readonly _statements: {
    readonly max: number;
    readonly size: number;
    keys(): Iterable<string>;
    clear(): void;
    resize(max: number): void;
  };
}

export const internals = (raw: RawConnection): Internals => raw as unknown as Internals;
