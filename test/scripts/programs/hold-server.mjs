/** Starts a throwaway server, says which, and then ends in the way that the argument names, or waits to be killed. */
import { startServer } from '../../../scripts/database/index.mjs';

const ending = process.argv[2];
const server = await startServer();
if (ending === 'stopped-server') await server.kill('SIGSTOP');
process.stdout.write(`${JSON.stringify({ pid: server.pid, dataDir: server.dataDir })}\n`);
if (ending === 'crash') throw new Error('this program crashes');
if (ending !== 'forget') setInterval(() => {}, 1_000);
