/** `npm run chaos [-- options]`: from a fresh checkout to the table of what each contender did under the same faults. */
import { runWithServer } from './lib/run-with-server.mjs';

await runWithServer('build/test/chaos/main.js');
