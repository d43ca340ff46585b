/** Names, each with the reason why a statement that may mean it is not harmless. */
export class HotNames {
  readonly #words = new Map<string, string>();
  /** Names that are no single word: looked for anywhere in the text. */
  readonly #pieces = new Map<string, string>();
  /** One of the names can't be looked for: a quote is doubled or escaped where it is used. */
  #everything: string | null = null;

  add(name: string, what: string): void {
    const folded = fold(name);
    const kind = /^[\w$]+$/.test(folded) ? this.#words : this.#pieces;
    kind.set(folded, `it names \`${name}\`, ${what}`);
    if (/['"`]/.test(name)) this.#everything ??= 'a table or view that it may mean has a quote in its name';
  }

  get isEmpty(): boolean {
    return this.#words.size + this.#pieces.size === 0;
  }

  /** Looks into literals as well, so that no way to quote can hide a name. */
  reasonIn(sql: string): string | null {
    if (this.#everything !== null) return this.#everything;
    const folded = fold(sql);
    for (const [word] of folded.matchAll(/[\w$]+/g)) {
      const reason = this.#words.get(word);
      if (reason !== undefined) return reason;
    }
    for (const [piece, reason] of this.#pieces) if (folded.includes(piece)) return reason;
    return null;
  }
}

/** Both ways, for letters that have two forms in one case: K and the Kelvin sign, σ and ς. */
function fold(text: string): string {
  return text.toLowerCase().toUpperCase();
}
