import type { HandbackError } from '../errors.js';
import { filesAreOff } from '../refusals.js';

/** CLIENT_LOCAL_FILES, one of the `clientFlags` that a client announces. */
export const LOCAL_FILES = 0x80;

/**
 * Why a statement must not be sent that would hand out files of this machine (`infileStreamFactory`) on a connection that
 * announces it never does; null = it may. Whoever answers in the server's place asks for a file in answer to anything.
 */
export function readsFiles(clientFlags: number, sql: unknown): HandbackError | null {
  if ((clientFlags & LOCAL_FILES) !== 0 || typeof sql !== 'object' || sql === null) return null;
  if ((sql as { infileStreamFactory?: unknown }).infileStreamFactory === undefined) return null;
  return filesAreOff('infileStreamFactory');
}
