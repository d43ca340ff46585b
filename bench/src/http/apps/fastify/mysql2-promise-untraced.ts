import { start as startPool } from './mysql2-promise.js';

/** Its best setting: no stack is captured for each statement, so an error does not tell who sent it. */
export function start(uri: string) {
  return startPool(uri, { trace: false });
}
