/** `npm run bench [-- part… options]`: from a fresh checkout to the table of the README for this machine. */
import { runWithServer } from './lib/run-with-server.mjs';

await runWithServer('bench/dist/main.js', ['bench']);
