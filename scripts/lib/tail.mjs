/** The last lines of some output, for an error message. @param {string} text @param {number} [lines] */
export function tail(text, lines = 30) {
  const all = text.trimEnd().split('\n');
  const left = all.length - lines;
  return left > 0 ? [`… (${left} lines before)`, ...all.slice(-lines)].join('\n') : all.join('\n');
}
