export type Key = 'quit' | 'pause' | 'suspend' | 'up' | 'down' | 'page-up' | 'page-down' | 'home' | 'end';

const KEYS: Readonly<Record<string, Key>> = {
  q: 'quit',
  Q: 'quit',
  '\u0003': 'quit',
  '\u0004': 'quit',
  '\u001a': 'suspend',
  p: 'pause',
  k: 'up',
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  j: 'down',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  b: 'page-up',
  '\u001b[5~': 'page-up',
  ' ': 'page-down',
  '\u001b[6~': 'page-down',
  g: 'home',
  '\u001b[H': 'home',
  '\u001b[1~': 'home',
  G: 'end',
  '\u001b[F': 'end',
  '\u001b[4~': 'end',
};

/** An escape sequence, or one character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how keys come
const PRESSED = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])|[\s\S]/gu;

/** The keys in what a terminal sent; what has no meaning is left out. */
export function keysIn(input: string): Key[] {
  return [...input.matchAll(PRESSED)].flatMap(([pressed]) => KEYS[pressed] ?? []);
}
