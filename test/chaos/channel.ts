import type { Order, Report } from './types.js';

/** The IPC channel of a process of a run: what it is told, what it tells. It ends with whoever started it. */
export class Channel {
  readonly #answers = new Map<string, (value: unknown) => unknown>();
  onFaults: (order: Extract<Order, { kind: 'faults' }>) => void = () => {};
  onStop: () => Promise<void> = async () => {};

  constructor() {
    process.on('message', (order: Order) => void this.#obey(order));
    process.on('disconnect', () => process.exit(0));
  }

  send = (report: Report): void => {
    // Between the end of the other process and 'disconnect' there is nobody to hear it.
    if (process.connected) process.send?.(report, () => {});
  };

  /** What `ask what` is answered with. */
  answer(what: string, give: (value: unknown) => unknown): void {
    this.#answers.set(what, give);
  }

  async #obey(order: Order): Promise<void> {
    if (order.kind === 'faults') return this.onFaults(order);
    if (order.kind === 'stop') {
      await this.onStop();
      process.disconnect?.();
      return;
    }
    const give = this.#answers.get(order.what);
    if (!give) throw new Error(`Nobody here knows an answer to '${order.what}'.`);
    this.send({ kind: 'answer', to: order.what, value: await give(order.value) });
  }
}

/** What the process was given as its only argument. */
export function taskOf<Task>(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}
