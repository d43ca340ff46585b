const DEFAULT_PORT = 3_000;
const MAX_PORT = 65_535;

type Env = Record<string, string | undefined>;

export function readDatabaseUrl(env: Env): string {
  if (!env.DATABASE_URL)
    throw new Error(
      'DATABASE_URL is not set. Set it to the demo database: DATABASE_URL=mysql://user:password@127.0.0.1:3306/handback_demo_me',
    );
  return env.DATABASE_URL;
}

/** 0 = any free port. */
export function readPort(env: Env): number {
  const text = env.PORT || String(DEFAULT_PORT);
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= MAX_PORT)) throw new Error(`PORT is a whole number from 0 to ${MAX_PORT}, not '${text}'.`);
  return port;
}

/** Where the jobs are: REDIS_URL, and JOBS_PREFIX for what shares that Redis. */
export function readRedisPlace(env: Env): { connection: { url: string }; prefix: string } {
  return {
    connection: { url: env.REDIS_URL || 'redis://127.0.0.1:6379' },
    prefix: env.JOBS_PREFIX || 'handback_demo',
  };
}
