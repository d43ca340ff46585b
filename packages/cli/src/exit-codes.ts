/** What the process says at its end; a part of every `--help`. */
export const EXIT = {
  /** Done, and nothing that calls for a change. */
  ok: 0,
  /** Done, and something of severity warning or critical was found. */
  findings: 1,
  /** The command line was not understood; nothing was done. */
  usage: 2,
  /** It could not be done: no connection, no permission, no such application. */
  failed: 3,
} as const;

/** The command line is wrong. */
export class UsageError extends Error {}

/** It could not be done, and the message says why to whoever runs the command. */
export class CommandError extends Error {
  /** The driver's or system's code, where there is one. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}
