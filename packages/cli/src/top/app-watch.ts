import { type ApplicationPool, fetchApplication } from '../doctor/application.js';

/** What one application said, or why it did not. */
export interface AppLook {
  /** Its url without user, password and query. */
  readonly label: string;
  readonly pools: readonly ApplicationPool[];
  readonly error: string | undefined;
  /** On this machine's clock, in milliseconds. */
  readonly at: number;
}

interface Asking {
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** All of them at once. Never rejects. */
export function askApps(urls: readonly string[], asking: Asking): Promise<AppLook[]> {
  return Promise.all(urls.map((url) => askApp(url, asking)));
}

async function askApp(url: string, asking: Asking): Promise<AppLook> {
  const { host, pathname } = new URL(url);
  const label = `${host}${pathname === '/' ? '' : pathname}`;
  try {
    const pools = await fetchApplication(url, asking);
    return { label, pools, error: undefined, at: performance.now() };
  } catch (error) {
    return { label, pools: [], error: (error as Error).message, at: performance.now() };
  }
}
