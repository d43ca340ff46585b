import { findServer } from './find-server.mjs';
import { canInstallServer, installServer } from './install-server.mjs';

/**
 * Finds a server program on this machine, or installs one where that can be done without asking anybody.
 *
 * @param {{ log: (line: string) => void, signal?: AbortSignal | undefined }} options
 * @returns {Promise<{ found: boolean, reason?: string | undefined }>} `reason`: why an attempt to install one failed
 */
export async function ensureServer(options) {
  if (await findServer()) return { found: true };
  if (!canInstallServer()) return { found: false };
  const reason = await installServer(options).then(
    () => undefined,
    (error) => error.message,
  );
  return { found: (await findServer()) !== undefined, reason };
}
