import type { Framework } from './contender.js';

export interface AppTask {
  framework: Framework;
  /** A file of `apps/<framework>/`, without its ending. */
  contender: string;
  uri: string;
  /** Of its pool, in its own words; its defaults without them. */
  options?: object;
}

/** What the process of an application is asked; each is answered. */
export type Order =
  | { kind: 'cpu' }
  | { kind: 'acquired' }
  | { kind: 'profile' }
  /** Ends the profile and writes it. */
  | { kind: 'profiled'; file: string }
  | { kind: 'close' };

export type Reply = { kind: 'ready'; port: number } | { kind: 'answer'; value: unknown };
