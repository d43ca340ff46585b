import type { AppLook } from './app-watch.js';
import type { Shown } from './frame.js';
import type { ServerWatch } from './server-watch.js';
import { type View, viewOf } from './view.js';

/** Asks the server and the applications at the same time, and joins what they say. */
export class Looker {
  readonly #label: string;
  readonly #server: ServerWatch;
  readonly #askApps: () => Promise<AppLook[]>;
  #before: readonly AppLook[] = [];
  #view: View | undefined;
  #time = '';

  constructor(label: string, server: ServerWatch, askApps: () => Promise<AppLook[]>) {
    this.#label = label;
    this.#server = server;
    this.#askApps = askApps;
  }

  /** Never rejects: what could not be asked is said in it. */
  async look(): Promise<Shown> {
    const [server, apps] = await Promise.all([this.#server.look(), this.#askApps()]);
    const lost = 'error' in server ? server : undefined;
    if (!('error' in server)) {
      this.#view = viewOf(server, apps, this.#before);
      this.#time = new Date().toTimeString().slice(0, 8);
    }
    this.#before = apps;
    return { label: this.#label, view: this.#view, apps, lost, time: this.#time, paused: false };
  }
}
