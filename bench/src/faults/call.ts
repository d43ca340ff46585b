/** One acquire, statement and release; moments are ms since 1970, the same in all processes of this machine. */
export interface Call {
  readonly asked: number;
  /** null = it never got a connection. */
  readonly granted: number | null;
  /** null = it had not ended when the record was taken. */
  readonly ended: number | null;
  /** null = it succeeded, or has not ended. */
  readonly error: string | null;
}

/** ms since 1970, with fractions. */
export const now = () => performance.timeOrigin + performance.now();
