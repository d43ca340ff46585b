import { createPool } from '@handback/core';
import type { Lender, LenderTask } from './lender.js';

export function openHandback({ url, max, options, queryTimeoutMs }: LenderTask): Lender {
  const limit = queryTimeoutMs === undefined ? {} : { queryTimeoutMs };
  const pool = createPool({ uri: url, max, ...limit, ...options });
  return {
    acquire: () => pool.acquire(),
    close: () => pool.close({ timeoutMs: 100 }),
  };
}
