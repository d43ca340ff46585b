import type { IncomingMessage, ServerResponse } from 'node:http';

/** What only the framework can do for a route's transaction. */
export interface AnswerGate {
  /** Remembers the headers that the framework keeps beside the raw response; the returned function restores them. */
  remember?(): () => void;
  /**
   * Whether the framework learns from the raw response that a handler has answered it by hand: then `headersSent` and
   * `writableEnded` are to say of what is held what they would say of what was sent.
   */
  showsHeld?(): boolean;
  /** Whether the framework waits for the decision itself, with an answer that counts as given: nobody may give another. */
  isDeciding?(): boolean;
  /** Whether a second answer, with this body, is one that the framework gives to those alone that have no first. */
  ignores?(body: unknown): boolean;
  /**
   * COMMIT has failed: answers with the framework's own error or, where the answer has begun to leave, tells the
   * framework, before the socket is cut.
   *
   * @returns false if it can't, for the response was taken away from it
   */
  fail(error: Error): boolean;
}

/** Makes the response say so too while `isHeld`: to those who ask it, from before it leaves. */
export function show(
  res: ServerResponse<IncomingMessage>,
  name: 'headersSent' | 'writableEnded',
  isHeld: () => boolean,
): void {
  // Another registration's.
  const own = Object.getOwnPropertyDescriptor(res, name)?.get;
  const isTrue = (): unknown => (own ? own.call(res) : Reflect.get(Object.getPrototypeOf(res), name, res));
  Object.defineProperty(res, name, { configurable: true, get: () => isTrue() || isHeld() });
}
