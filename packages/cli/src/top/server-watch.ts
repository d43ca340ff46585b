import type { ServerFacts, Status, Thread, Transaction, Unseen } from '../doctor/picture.js';
import { readPrograms } from '../doctor/read/programs.js';
import { Readings } from '../doctor/read/readings.js';
import { readServerFacts, readStatus } from '../doctor/read/server-facts.js';
import { readThreads } from '../doctor/read/threads.js';
import { readTransactions } from '../doctor/read/transactions.js';
import { CommandError } from '../exit-codes.js';
import type { Session } from '../session.js';

/** What the server said at one moment. */
export interface ServerLook {
  readonly facts: ServerFacts;
  readonly status: Status;
  readonly threads: readonly Thread[];
  /** null = this account may see its own threads alone. */
  readonly transactions: readonly Transaction[] | null;
  /** The session of the watch itself. */
  readonly ownId: number;
  readonly unseen: readonly Unseen[];
}

/** The server could not be asked; when it is asked again. */
export interface Lost {
  readonly error: string;
  readonly retryInMs: number;
}

const LONGEST_PAUSE_MS = 10_000;

export interface WatchParts {
  readonly open: () => Promise<Session>;
  /** How soon a lost server is asked again, at first; the pauses double to ten seconds. */
  readonly retryMs: number;
  readonly now: () => number;
}

/** Keeps one session on the server, and opens another when that is lost. */
export class ServerWatch {
  readonly #parts: WatchParts;
  #session: Session | null = null;
  #facts: ServerFacts | null = null;
  #failures = 0;
  #lost: { readonly error: string; readonly retryAt: number } | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Rejects with CommandError: for the first time, when there is nothing to go on with. */
  async begin(): Promise<void> {
    this.#session = await this.#parts.open();
  }

  /** Never rejects. */
  async look(): Promise<ServerLook | Lost> {
    const waiting = (this.#lost?.retryAt ?? 0) - this.#parts.now();
    if (this.#lost && waiting > 0) return { error: this.#lost.error, retryInMs: waiting };
    try {
      this.#session ??= await this.#parts.open();
      const look = await this.#ask(this.#session);
      this.#failures = 0;
      this.#lost = null;
      return look;
    } catch (error) {
      return this.#lose(error as Error);
    }
  }

  async #ask(session: Session): Promise<ServerLook> {
    const readings = new Readings(session.ask);
    this.#facts ??= await readServerFacts(readings);
    const facts = this.#facts;
    const status = await readStatus(readings);
    const programs = await readPrograms(readings, facts);
    const threads = await readThreads(readings, facts, programs);
    const transactions = await readTransactions(readings);
    return { facts, status, threads, transactions, ownId: session.id, unseen: readings.unseen };
  }

  #lose(error: Error): Lost {
    // It ends by itself, whatever the server does.
    void this.#session?.close();
    this.#session = null;
    this.#facts = null;
    const { retryMs, now } = this.#parts;
    const retryInMs = Math.min(LONGEST_PAUSE_MS, retryMs * 2 ** this.#failures);
    this.#failures++;
    const message = error instanceof CommandError ? error.message : String(error.message || error);
    this.#lost = { error: message, retryAt: now() + retryInMs };
    return { error: message, retryInMs };
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close();
  }
}
