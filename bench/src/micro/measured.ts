/** What one cell found, by name; a text says why something could not be measured. */
export type Measured = Record<string, number | string>;
