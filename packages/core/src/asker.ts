import type { CallSite } from './call-site.js';
import type { Holder } from './entry.js';
import type { Owner } from './owner.js';

/** Who asks the pool itself for a connection. One object serves for all of whom nothing more is known than that. */
// A class: whatever is noted of one of them, they look the same to the engine.
export class Asker implements Holder {
  readonly route: string;
  readonly comesBack: boolean;
  owner: Owner | undefined = undefined;
  site: CallSite | undefined = undefined;

  constructor(route: string, comesBack = false) {
    this.route = route;
    this.comesBack = comesBack;
  }

  /** One of whom more is known. */
  get own(): Asker {
    return new Asker(this.route, this.comesBack);
  }
}
