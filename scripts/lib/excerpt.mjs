/**
 * The beginning and the end of some output, for an error message: some programs name the cause first, others last.
 *
 * @param {string} text @param {number} [lines]
 */
export function excerpt(text, lines = 40) {
  const all = text.trim().split('\n');
  const left = all.length - lines;
  if (left <= 0) return all.join('\n');
  const half = Math.ceil(lines / 2);
  return [...all.slice(0, half), `… (${left} more lines)`, ...all.slice(-half)].join('\n');
}
