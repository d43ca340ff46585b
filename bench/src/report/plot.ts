export interface Series {
  readonly name: string;
  /** x, y. */
  readonly points: readonly (readonly [number, number])[];
}

/** One SVG file, written beside the results. */
export interface Plot {
  /** File name without its ending: `overload`. */
  readonly file: string;
  readonly title: string;
  readonly x: { readonly label: string; readonly log?: boolean };
  readonly y: { readonly label: string; readonly log?: boolean };
  readonly series: readonly Series[];
}
