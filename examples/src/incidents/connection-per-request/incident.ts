import type { Incident, Side } from '../stage/incident.js';
import { ask, tally, times, withStatus } from '../stage/load.js';
import type { Stage } from '../stage/stage.js';

const MAX_CONNECTIONS = 40;
const POOL = 28;
const REQUESTS = 2 * POOL;
/** The operator's own session. */
const OTHERS = 1;

export const connectionPerRequest: Incident = {
  number: 3,
  title: 'a connection per request',
  limits: () => [`--max-connections=${MAX_CONNECTIONS}`],

  async run(stage) {
    stage.say(
      `${REQUESTS} clients at the same moment; each request runs one statement of ${statementS(stage)} s. max_connections is ${MAX_CONNECTIONS}.`,
    );
    const most = MAX_CONNECTIONS - OTHERS;
    return [
      await side(
        stage,
        'without',
        'WITHOUT Handback: each request connects, and disconnects at its end',
        most,
      ),
      await side(
        stage,
        'with',
        `WITH Handback, max ${POOL}: the connections stay, the requests take turns`,
        POOL,
      ),
    ];
  },
};

/** As long as somebody looks at what it does. */
function statementS({ isShort }: Stage): number {
  return isShort ? 1 : 1.5;
}

/** `most`: threads, at the height of the load. */
async function side(stage: Stage, name: 'without' | 'with', words: string, most: number): Promise<Side> {
  await stage.begin(words);
  const { operator } = stage;
  const app = await stage.startOne(`connection-per-request/${name}.js`, { STATEMENT_S: statementS(stage) });
  const load = Promise.all(times(REQUESTS, () => ask(app.at('/search'))));
  await stage.until('the height of the load', async () => (await operator.threads()).length >= most);
  if (name === 'without') await stage.until('the first is refused', () => app.log !== '');
  await stage.showThreads();
  await stage.showStatus('Threads_connected', 'Max_used_connections');
  await stage.consultDoctor(name === 'with' ? { app, about: ['pool-exhausted'] } : { account: 'operator' });
  const threads = (await operator.threads()).length;
  const answers = await load;
  stage.say(`\nAt the end: ${tally(answers)}`);
  await stage.clear();
  const failed = REQUESTS - withStatus(answers, 200);
  return {
    name,
    figures: {
      'threads of the application under load': threads,
      [`failed, of ${REQUESTS} requests`]: failed,
    },
    hit: failed,
  };
}
