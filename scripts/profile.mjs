/** `npm run profile [-- options]`: from a fresh checkout to a CPU profile of the one-query route and where its time goes. */
import { runWithServer } from './lib/run-with-server.mjs';

await runWithServer('bench/dist/profile/main.js', ['bench']);
