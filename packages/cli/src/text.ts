/** Control characters, those that hide or turn text round, and lone halves of a surrogate pair. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text from elsewhere (a user's name, a program, a statement, an error) for a terminal: what could move its cursor,
 * change its title or hide what follows is written as its number.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) as number;
    return `\\u{${code.toString(16)}}`;
  });
}

/** What JSON leaves as it is and a terminal does not: the same document, in which they are written as their numbers. */
export function escapedJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return character;
    // By halves, as JSON counts them.
    return character
      .split('')
      .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  });
}

/** A statement, a route: text that lines break for its reader, in one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** The same, with lines left as they are: for text that was written here. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
