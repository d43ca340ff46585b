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
      .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:3000')
      .replace(/\(node:\d+\) /g, '')
      .replace(/\bpid \d+/g, 'pid …')
      .replace(/#\d+\b/g, '#…')
      .replace(/\b(up for|longest for|oldest for|open for|one for|for) [\d.]+ (s|ms)\b/g, '$1 … $2')
      .replace(/\s[\d.]+ (ms|s)$/gm, ' … $1')
      .replace(/\b(waited|again in) \d+ ms/g, '$1 … ms')
      .trim();
  }
}
