import type { ServerResponse } from 'node:http';

/** Express has no end-of-request hook; what its users patch instead is res.end(). */
export function frameworkEndIn(res: ServerResponse, ended: () => void): void {
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
  res.end = ((...args: unknown[]) => {
    ended();
    return end(...args);
  }) as ServerResponse['end'];
}
