import type { HolderFacts, LeaseFacts } from './events.js';

/** What a holder has to say for itself, where it does. */
interface Known {
  readonly route: string;
  readonly method?: string | undefined;
  readonly requestId?: string | undefined;
}

const NOBODY: Known = { route: '(none)' };

export function holderFacts(holder: Known | null): HolderFacts {
  const { route, method, requestId } = holder ?? NOBODY;
  return {
    route,
    ...(method === undefined ? {} : { method }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

export function leaseFacts(lease: number, holder: Known | null): LeaseFacts {
  return { lease, ...holderFacts(holder) };
}
