export interface Answer {
  /** 0 = none came while the client was patient. */
  readonly status: number;
  readonly error: string | undefined;
  readonly retryAfter: string | null;
}

/** Longer than anything here should take. */
const PATIENCE_MS = 15_000;

/** One request. Never rejects: what fails is what is counted. */
export async function ask(
  url: string,
  { body, patienceMs = PATIENCE_MS }: { body?: object; patienceMs?: number } = {},
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(patienceMs),
      ...(body && {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const { error } = (await response.json()) as { error?: string };
    return { status: response.status, error, retryAfter: response.headers.get('Retry-After') };
  } catch (error) {
    return { status: 0, error: (error as Error).message, retryAfter: null };
  }
}

export function times<T>(count: number, one: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => one(n));
}

/** One after the other. */
export async function inTurn<T>(count: number, one: (n: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  for (let n = 0; n < count; n++) answers.push(await one(n));
  return answers;
}

export function withStatus(answers: readonly Answer[], ...statuses: number[]): number {
  return answers.filter(({ status }) => statuses.includes(status)).length;
}

/** `36 × 200, 20 × 500 Too many connections` */
export function tally(answers: readonly Answer[]): string {
  const kinds = new Map<string, number>();
  for (const { status, error } of answers) {
    const kind = status === 0 ? 'no answer' : `${status}${error ? ` ${error}` : ''}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds]
    .sort()
    .map(([kind, count]) => `${count} × ${kind}`)
    .join(', ');
}
