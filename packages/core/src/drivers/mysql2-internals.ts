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
    charsetNumber: number;
    database?: string;
    queryFormat?: unknown;
    compress?: unknown;
  };
  readonly _command: unknown;
  readonly _commands: { readonly length: number };
  readonly _paused: boolean;
}

export const internals = (raw: RawConnection): Internals => raw as unknown as Internals;
