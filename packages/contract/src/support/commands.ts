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

/** Finds the commands in what a client sends, without TLS or compression: packets with the sequence number 0. */
export class Commands {
  readonly #onCommand: (name: string) => void;
  /** The beginning of a packet, until it tells what it is. */
  #head: Buffer = Buffer.alloc(0);
  /** Bytes of the packet that are still to come and don't matter. */
  #rest = 0;

  constructor(onCommand: (name: string) => void) {
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
      if (this.#missing === 0) this.#begin();
    }
  }

  /** How much of a header, and of the byte behind it that names the command, has not come yet. */
  get #missing(): number {
    const isEmpty = this.#head.length === HEADER && this.#head.readUIntLE(0, 3) === 0;
    return isEmpty ? 0 : HEADER + 1 - this.#head.length;
  }

  #begin(): void {
    const length = this.#head.readUIntLE(0, 3);
    const [, , , sequence, code = 0] = this.#head;
    this.#head = Buffer.alloc(0);
    if (length === 0) return;
    this.#rest = length - 1;
    if (sequence === 0) this.#onCommand(NAMES[code] ?? `command ${code}`);
  }
}
