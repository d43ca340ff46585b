/** First byte of a command (dev.mysql.com, "Command Phase"). */
const NAMES: Record<number, string> = {
  1: 'quit',
  2: 'initDb',
  3: 'query',
  14: 'ping',
  17: 'changeUser',
  22: 'prepare',
  23: 'execute',
  25: 'closeStatement',
  31: 'reset',
};

const HEADER = 4;
/** That much of what follows the name is kept: enough to tell one statement from another. */
const BEGINNING = 32;

/** @param beginning of what follows the name: with `query`, of the statement */
export type OnCommand = (name: string, beginning: Buffer) => void;

/** Finds the commands in what a client sends, without TLS or compression: packets with the sequence number 0. */
export class Commands {
  readonly #onCommand: OnCommand;
  /** The beginning of a packet, until it tells what it is. */
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the packet that are still to come and don't matter. */
  #rest = 0;

  constructor(onCommand: OnCommand) {
    this.#onCommand = onCommand;
  }

  read(chunk: Buffer): void {
    let bytes = chunk;
    while (bytes.length > 0) {
      const skipped = Math.min(this.#rest, bytes.length);
      this.#rest -= skipped;
      const end = skipped + this.#missing;
      this.#head = Buffer.concat([this.#head, bytes.subarray(skipped, end)]);
      bytes = bytes.subarray(end);
      if (this.#head.length >= HEADER && this.#missing === 0) this.#begin();
    }
  }

  /** How much of a header, of the byte behind it that names the command and of what begins there has not come yet. */
  get #missing(): number {
    if (this.#head.length < HEADER) return HEADER - this.#head.length;
    return HEADER + Math.min(this.#head.readUIntLE(0, 3), 1 + BEGINNING) - this.#head.length;
  }

  #begin(): void {
    const head = this.#head;
    const [, , , sequence, code = 0] = head;
    this.#head = Buffer.alloc(0);
    this.#rest = head.readUIntLE(0, 3) - (head.length - HEADER);
    if (sequence === 0 && head.length > HEADER) {
      this.#onCommand(NAMES[code] ?? `command ${code}`, head.subarray(HEADER + 1));
    }
  }
}
