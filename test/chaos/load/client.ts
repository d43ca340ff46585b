import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.js';
import type { FaultName } from '../types.js';
import { HttpSocket, NoAnswer } from './http-socket.js';
import type { Choice, Mix } from './mix.js';
import type { Tally } from './tally.js';

export type Misbehaviour = Extract<FaultName, 'client-aborts' | 'pipelines' | 'half-closes' | 'slow-readers'>;

export const misbehaviours: readonly Misbehaviour[] = [
  'client-aborts',
  'pipelines',
  'half-closes',
  'slow-readers',
];

/** Of all requests, always; and of those while it is ordered. */
const USUAL_SHARE = 0.03;
const ORDERED_SHARE = 0.4;

export interface Conduct {
  port: number;
  /** Each request has its own deadline, whatever the app does. */
  deadlineMs: number;
  /** From one request of this client to the next. */
  paceMs: number;
  /** What is ordered at the moment. */
  misbehave: Misbehaviour | null;
  stopped: boolean;
}

/** One client: one request, or one pipeline, at a time, with a pause between them. */
export class Client {
  readonly #conduct: Conduct;
  readonly #random: Random;
  readonly #mix: Mix;
  readonly #tally: Tally;
  #socket: HttpSocket | null = null;

  constructor(conduct: Conduct, random: Random, mix: Mix, tally: Tally) {
    this.#conduct = conduct;
    this.#random = random;
    this.#mix = mix;
    this.#tally = tally;
  }

  async run(): Promise<void> {
    await sleep(this.#random.share() * this.#conduct.paceMs);
    while (!this.#conduct.stopped) {
      const since = performance.now();
      await this.#once();
      const pace = this.#conduct.paceMs * (0.5 + this.#random.share());
      await sleep(Math.max(1, pace - (performance.now() - since)));
    }
    this.#socket?.leave(false);
  }

  async #once(): Promise<void> {
    const choice = this.#mix.next(this.#random);
    const how = this.#manners();
    const choices =
      how === 'pipelines' ? [choice, this.#mix.next(this.#random), this.#mix.next(this.#random)] : [choice];
    let socket: HttpSocket;
    try {
      socket = await this.#connected();
    } catch {
      // Nothing was sent.
      for (const one of choices) this.#tally.unanswered(one, 'no connection');
      return;
    }
    await this.#exchange(socket, choices, how);
  }

  #manners(): Misbehaviour | undefined {
    const { misbehave } = this.#conduct;
    const drawn = this.#random.share();
    if (misbehave && drawn < ORDERED_SHARE) return misbehave;
    return drawn > 1 - USUAL_SHARE ? this.#random.pick(misbehaviours) : undefined;
  }

  async #connected(): Promise<HttpSocket> {
    if (this.#socket?.usable) return this.#socket;
    const { port, deadlineMs } = this.#conduct;
    this.#socket = await HttpSocket.open(port, AbortSignal.timeout(deadlineMs));
    return this.#socket;
  }

  async #exchange(socket: HttpSocket, choices: Choice[], how: Misbehaviour | undefined): Promise<void> {
    const slowly = how === 'slow-readers';
    if (slowly) socket.pause();
    socket.send(...choices);
    if (how === 'half-closes') socket.halfClose();
    if (slowly) setTimeout(() => socket.resume(), this.#random.int(50, 750));
    const abortAfterMs = this.#leavesAfter(how, choices.length);
    const waiting = [...choices];
    try {
      for (const choice of choices) {
        const patience = Math.min(abortAfterMs, choice.patienceMs ?? Number.POSITIVE_INFINITY);
        this.#tally.answered(choice, await socket.receive(Math.min(patience, this.#conduct.deadlineMs)));
        waiting.shift();
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const why = abortAfterMs < this.#conduct.deadlineMs ? 'left' : error.message;
      for (const choice of waiting) this.#tally.unanswered(choice, why);
      socket.leave(this.#random.share() < 0.5);
    }
  }

  /** At a random point: while it is sent, worked on, or answered. Half of the pipelines are abandoned too. */
  #leavesAfter(how: Misbehaviour | undefined, requests: number): number {
    const leaves = how === 'client-aborts' || (requests > 1 && this.#random.share() < 0.5);
    return leaves ? this.#random.share() ** 2 * 60 : Number.POSITIVE_INFINITY;
  }
}
