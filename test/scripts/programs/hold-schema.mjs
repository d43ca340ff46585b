/** Makes a schema on the server of HANDBACK_DATABASE_URL, says which, and waits to be killed. */
import { getDatabase } from '../../../scripts/database/index.mjs';

const { url } = await getDatabase({ purpose: 'demo' });
process.stdout.write(`${JSON.stringify({ url })}\n`);
setInterval(() => {}, 1_000);
