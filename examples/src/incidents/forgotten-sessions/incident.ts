import type { App } from '../stage/app.js';
import type { Incident, Side } from '../stage/incident.js';
import { ask, inTurn, tally, withStatus } from '../stage/load.js';
import type { Stage } from '../stage/stage.js';

/** Together as many as the pool has connections. */
const UNKNOWN_PRODUCTS = 4;
const DOUBLE_ORDERS = 3;
const FAILED_JOBS = 3;
const LATER = 2;
const PATIENCE_MS = 2_000;

export const forgottenSessions: Incident = {
  number: 1,
  title: 'sessions that nobody closed',
  limits: () => ['--max-connections=40'],

  async run(stage) {
    return [await side(stage, 'without'), await side(stage, 'with')];
  },
};

async function side(stage: Stage, name: 'without' | 'with'): Promise<Side> {
  await stage.begin(
    name === 'without'
      ? 'WITHOUT Handback: a pool of 10; each handler takes a session, and closes it on its last line'
      : 'WITH Handback: max 10, and the same handlers without a word about sessions',
  );
  const app = await stage.startOne(`forgotten-sessions/${name}.js`);
  await misuse(stage, app);
  const later = await inTurn(LATER, () => ask(app.at('/products/1'), { patienceMs: PATIENCE_MS }));
  stage.say(`Then ${LATER} more for a product that exists: ${tally(later)}\n`);
  await stage.showThreads();
  await stage.showStatus('Threads_connected', 'Threads_running');
  const transactions = await stage.operator.openTransactions();
  stage.say(`mysql> select count(*) from information_schema.innodb_trx;  ${transactions}`);
  await stage.consultDoctor({
    options: ['--transaction-after', 500],
    app: name === 'with' ? app : undefined,
    about: ['pool-history'],
  });
  const threads = await stage.operator.threads();
  await stage.clear();
  const unanswered = LATER - withStatus(later, 200);
  return {
    name,
    figures: {
      'threads of the application, all of them asleep': threads.length,
      'of those in an open transaction': transactions,
      [`without an answer, of ${LATER} requests after that`]: unanswered,
    },
    hit: unanswered + transactions,
  };
}

/** What goes wrong here is the client's fault, or the data's, on any day. */
async function misuse(stage: Stage, app: App): Promise<void> {
  const unknown = await inTurn(UNKNOWN_PRODUCTS, () => ask(app.at('/products/999')));
  stage.say(`${UNKNOWN_PRODUCTS} requests for a product that is not there: ${tally(unknown)}`);
  const first = await ask(app.at('/orders'), { body: { id: 1, product: 20 } });
  const again = await inTurn(DOUBLE_ORDERS, (n) =>
    ask(app.at('/orders'), { body: { id: 1, product: n + 1 } }),
  );
  stage.say(
    `An order, and ${DOUBLE_ORDERS} times one of the same number: ${tally([first])}; ${tally(again)}`,
  );
  const jobs = await inTurn(FAILED_JOBS, () => ask(app.at('/jobs/reprice'), { body: { product: 999 } }));
  stage.say(`${FAILED_JOBS} jobs that fail: ${tally(jobs)}`);
}
