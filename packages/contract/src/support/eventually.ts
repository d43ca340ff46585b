/** Polls until `check` stops throwing; at the deadline, its last complaint is the error. */
export async function eventually<T>(check: () => T | Promise<T>, deadlineMs = 20_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What the promise gives, or an error that names what was waited for. */
export async function within<T>(deadlineMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise that the test, or a handler, opens by hand. Opening it twice is harmless. */
export class Gate<T = void> {
  readonly opened: Promise<T>;
  open!: (value: T | PromiseLike<T>) => void;

  constructor() {
    this.opened = new Promise<T>((resolve) => {
      this.open = resolve;
    });
  }
}
