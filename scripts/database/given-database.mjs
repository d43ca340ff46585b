import { fileURLToPath } from 'node:url';
import { Guardian } from './guardian-client.mjs';
import { createSchema, newSchemaName } from './schema.mjs';
import { parseServerUrl } from './url.mjs';

const dropCommand = fileURLToPath(new URL('./drop-schema.mjs', import.meta.url));

/**
 * A schema of our own on the server that HANDBACK_DATABASE_URL names. Nothing else on that server is touched.
 *
 * @param {string} text @param {'demo' | 'test'} purpose
 * @returns {Promise<import('./index.d.mts').Database>}
 */
export async function useGivenServer(text, purpose) {
  const server = parseServerUrl(text).href;
  const name = newSchemaName(purpose);
  const guardian = new Guardian();
  await guardian.setLastCommand({
    command: process.execPath,
    args: [dropCommand],
    env: { HANDBACK_DROP_SERVER: server, HANDBACK_DROP_SCHEMA: name },
  });
  try {
    return { url: await createSchema(server, name), close: () => guardian.stop() };
  } catch (error) {
    await guardian.setLastCommand(undefined); // there is nothing to drop
    await guardian.stop();
    throw new Error(`${/** @type {Error} */ (error).message} (the server of HANDBACK_DATABASE_URL)`);
  }
}
