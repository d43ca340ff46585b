/** `npm run soak [-- options]`: from a fresh checkout to a table of what grows under load and faults. */
import { runWithServer } from './lib/run-with-server.mjs';

await runWithServer('build/test/chaos/soak/main.js');
