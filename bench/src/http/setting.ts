import type { Stage } from '../part.js';

/** Where it is measured: on which server, how long, and to whom it is told. */
export interface Setting extends Stage {
  readonly uri: string;
}
