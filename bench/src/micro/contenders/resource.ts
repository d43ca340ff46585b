/** Stands for a connection where the pool is measured without a server. */
export interface Resource {
  readonly id: number;
  /** Written by the loops, so that nothing of them can be left out by the compiler. */
  uses: number;
}

let made = 0;

export function makeResource(): Resource {
  made++;
  return { id: made, uses: 0 };
}

export function resources(count: number): Resource[] {
  return Array.from({ length: count }, makeResource);
}
