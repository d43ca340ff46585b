import { fileURLToPath } from 'node:url';

/** Between the application's call and the capture lie frames of ours, and perhaps those of a query builder. */
const FRAMES = 30;

const HERE = new URL('.', import.meta.url);
const OURS: readonly string[] = [HERE.href, fileURLToPath(HERE)];

/** A line of code of the application, known when it is asked for: only then is the stack put into words. */
export class CallSite {
  readonly #trace: { stack?: unknown } = {};

  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = FRAMES;
    Error.captureStackTrace(this.#trace, CallSite);
    Error.stackTraceLimit = limit;
  }

  /** The application's frames and those of its libraries, innermost first. */
  get frames(): string[] {
    return framesOf(this.#trace).filter(isForeign).map(withoutMargin);
  }

  toString(): string {
    const { frames } = this;
    const frame = frames.find((line) => !/[\\/]node_modules[\\/]/.test(line)) ?? frames[0];
    return frame ?? UNKNOWN;
  }
}

function withoutMargin(line: string): string {
  return line.replace(/^\s+at (?:async )?/, '');
}

export const UNKNOWN = 'an unknown place';

/** The frames that called `fn`, innermost first; none, if it is not on the stack. */
export function framesAbove(fn: (...args: never[]) => unknown): string[] {
  const trace: { stack?: unknown } = {};
  Error.captureStackTrace(trace, fn);
  return framesOf(trace);
}

/** `Error.prepareStackTrace` may give anything. */
function framesOf({ stack }: { readonly stack?: unknown }): string[] {
  return typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at /.test(line)) : [];
}

/** Neither ours nor Node's. */
function isForeign(line: string): boolean {
  return (
    !/\(?node:/.test(line) && !line.includes('<anonymous>)') && !OURS.some((path) => line.includes(path))
  );
}
