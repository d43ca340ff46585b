/** What was printed, without what differs from one run to the next: ports, process ids, times. */
export class Transcript {
  readonly #pieces: string[] = [];
  port = 3306;

  add(text: string): void {
    this.#pieces.push(text);
  }

  get text(): string {
    return this.#pieces
      .join('\n')
      .replaceAll(`:${this.port}`, ':3306')
      .replace(/\(node:\d+\) /g, '')
      .replace(/^\(Use `node --trace-warnings.*\n/gm, '')
      .replace(/\b\d+(\.\d+)? ms\b/g, '… ms')
      .trim();
  }
}
