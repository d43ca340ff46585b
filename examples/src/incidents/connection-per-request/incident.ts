import type { Incident, Side } from '../stage/incident.js';
import { type Answer, ask, tally, times, withStatus } from '../stage/load.js';
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
      `${REQUESTS} clients at the same moment; each request makes a query, and asks another service, which is slow. max_connections is ${MAX_CONNECTIONS}.`,
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

/** `most`: requests that have a connection, and so get as far as the other service. */
async function side(stage: Stage, name: 'without' | 'with', words: string, most: number): Promise<Side> {
  await stage.begin(words);
  const { operator } = stage;
  const { service, url } = await stage.otherService();
  const app = await stage.startOne(`connection-per-request/${name}.js`, { PRICES_URL: url });
  const answered: Answer[] = [];
  const load = Promise.all(
    times(REQUESTS, () => ask(app.at('/offer')).then((answer) => answered.push(answer))),
  );
  const refused = name === 'without' ? REQUESTS - most : 0;
  await stage.until('the height of the load', () => service.asked >= most && answered.length >= refused);
  await stage.showThreads();
  await stage.showStatus('Threads_connected', 'Max_used_connections');
  await stage.consultDoctor(name === 'with' ? { app, about: ['pool-exhausted'] } : { account: 'operator' });
  const threads = (await operator.threads()).length;
  service.answer();
  await load;
  stage.say(`\nAt the end: ${tally(answered)}`);
  await stage.clear();
  const failed = REQUESTS - withStatus(answered, 200);
  return {
    name,
    figures: {
      'threads of the application under load': threads,
      [`failed, of ${REQUESTS} requests`]: failed,
    },
    hit: failed,
  };
}
