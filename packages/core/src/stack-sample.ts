/** One acquire in so many has its stack captured, which takes microseconds: where what leaks was asked for shows sooner or later. */
const ONE_IN = 4_096;
/** After a leak of which that is not known, so many in a row have. */
const EAGERLY = 500;

/** Which acquires of a pool have their stacks captured, for the reports of those that don't come back. */
export class StackSample {
  private left = ONE_IN;
  private eager = 0;

  /** Somebody asks for a connection. @returns whether to capture the stack */
  next(): boolean {
    this.left--;
    if (this.left > 0) return false;
    if (this.eager > 0) this.eager--;
    this.left = this.eager > 0 ? 1 : ONE_IN;
    return true;
  }

  /** A connection has not come back, and nobody knows where it was asked for. */
  missed(): void {
    this.eager = EAGERLY;
    this.left = 1;
  }
}
