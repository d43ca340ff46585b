import { start as startPool } from './mariadb.js';

/** Its best setting: on release it is not looked whether something of the session has to be cleaned. */
export function start(uri: string) {
  return startPool(uri, { noControlAfterUse: true });
}
