/** `npm run incident [-- number… options]`: from a fresh checkout to an incident, without Handback and with it. */
import { runWithServer } from './lib/run-with-server.mjs';

await runWithServer('examples/dist/incidents/main.js', ['examples']);
