import type { Incident, Side } from '../stage/incident.js';
import { ask, tally, times, withStatus } from '../stage/load.js';
import type { Stage } from '../stage/stage.js';

const CHECKOUTS = 6;
const REPORTS = 4;
const HELD = CHECKOUTS + REPORTS;
const VISITORS = 20;
const PATIENCE_MS = 3_000;
/** Who holds, as the log of an application may name them. */
const CULPRITS = /(\/checkout\/:product|\/report) for \d+ ms/g;

export const exhaustedPool: Incident = {
  number: 4,
  title: 'the pool is exhausted, and nobody can say by whom',
  limits: () => ['--max-connections=40'],

  async run(stage) {
    stage.say(
      `${CHECKOUTS} checkouts wait for the payment service, in a transaction; ${REPORTS} reports run a slow statement. Then ${VISITORS} visitors look at a product.`,
    );
    return [
      await side(stage, 'without', `WITHOUT Handback: a pool of ${HELD}, and a queue of 10`),
      await side(stage, 'with', `WITH Handback: max ${HELD}, acquireTimeoutMs 1000`),
    ];
  },
};

async function side(stage: Stage, name: 'without' | 'with', words: string): Promise<Side> {
  await stage.begin(words);
  const payment = await stage.otherService();
  const app = await stage.startOne(`exhausted-pool/${name}.js`, { PAYMENT_URL: payment.url });
  for (const n of times(CHECKOUTS, (n) => n + 1)) void ask(app.at(`/checkout/${n}`), { body: {} });
  await stage.until('the checkouts wait', () => payment.service.asked === CHECKOUTS);
  for (const _ of times(REPORTS, (n) => n)) void ask(app.at('/report'));
  await stage.until('the reports run', () => reportsRun(stage));
  const visitors = await Promise.all(
    times(VISITORS, () => ask(app.at('/products/20'), { patienceMs: PATIENCE_MS })),
  );
  stage.say(`The visitors: ${tally(visitors)}${retryAfter(visitors)}\n`);
  await stage.showThreads();
  stage.showLog(app.log);
  await stage.consultDoctor({
    options: ['--transaction-after', 500],
    app: name === 'with' ? app : undefined,
    about: ['pool-exhausted', 'pool-history'],
  });
  const named = new Set(app.log.match(CULPRITS)?.map((one) => one.replace(/ for .*/, '')) ?? []);
  payment.service.answer();
  await stage.clear();
  const unanswered = withStatus(visitors, 0);
  return {
    name,
    figures: {
      [`visitors without an answer within ${PATIENCE_MS / 1_000} s`]: unanswered,
      'visitors with an error': VISITORS - unanswered - withStatus(visitors, 200),
      'of which with 503 and Retry-After': visitors.filter(
        ({ status, retryAfter }) => status === 503 && retryAfter,
      ).length,
      'routes that hold connections, as the log names them':
        named.size === 0 ? 'none' : [...named].sort().join(', '),
    },
    hit: unanswered + (named.size === 2 ? 0 : 1),
  };
}

async function reportsRun({ operator }: Stage): Promise<boolean> {
  const running = (await operator.threads()).filter(({ statement }) => statement?.includes('SLEEP'));
  return running.length === REPORTS;
}

function retryAfter(answers: readonly { retryAfter: string | null }[]): string {
  return answers.some((answer) => answer.retryAfter) ? ', with Retry-After' : '';
}
