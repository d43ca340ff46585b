import { step } from '../lib/step.mjs';
import { hasContainerEngine, startContainer } from './container.mjs';
import { ensureServer } from './ensure-server.mjs';
import { useGivenServer } from './given-database.mjs';
import { noServerMessage } from './help.mjs';
import { createSchema, newSchemaName } from './schema.mjs';
import { startServer } from './server.mjs';

/**
 * A schema to work in: on the server of HANDBACK_DATABASE_URL, or on a throwaway server.
 *
 * @param {import('./index.d.mts').DatabaseOptions} options
 * @returns {Promise<import('./index.d.mts').Database>}
 */
export async function getDatabase({ purpose, log = console.log, env = process.env, signal }) {
  if (env.HANDBACK_DATABASE_URL) return useGivenServer(env.HANDBACK_DATABASE_URL, purpose);
  const server = await step('Starting a database server', () => startAny({ log, signal }), log);
  try {
    const url = await createSchema(server.url, newSchemaName(purpose));
    return { url, close: server.close, ...('server' in server && { server: server.server }) };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** @param {{ log: (line: string) => void, signal?: AbortSignal | undefined }} options */
async function startAny(options) {
  const { found, reason } = await ensureServer(options);
  if (found) {
    const server = await startServer();
    return { url: server.url, server, close: () => server.stop() };
  }
  if (await hasContainerEngine()) return startContainer();
  throw new Error(noServerMessage(reason));
}
