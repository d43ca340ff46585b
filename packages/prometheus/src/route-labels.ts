/** What stands for all routes beyond the limit. */
export const OTHER = 'other';

/** The values of the label `route`: as many as were allowed, and one for the rest. Each costs a series in every histogram. */
export class RouteLabels {
  readonly #known = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  of(route: string): string {
    if (this.#known.has(route)) return route;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(route);
    return route;
  }
}
