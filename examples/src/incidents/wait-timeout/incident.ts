import type { App } from '../stage/app.js';
import type { Incident, Side } from '../stage/incident.js';
import { ask, inTurn, tally, times, withStatus } from '../stage/load.js';
import type { Stage } from '../stage/stage.js';
import { AT_WORK } from './work.js';

const WAIT_TIMEOUT_S = 2;
const SHORT_WAIT_TIMEOUT_S = 1;
const BUSY_MS = 3_000;
const CLOSING_MS = 1_500;
const POOL = 5;
const LATER = 3;

export const waitTimeout: Incident = {
  number: 5,
  title: 'a pause longer than wait_timeout',
  limits: (isShort) => ['--max-connections=40', `--wait-timeout=${waitTimeoutS(isShort)}`],

  async run(stage) {
    stage.say(`wait_timeout is ${waitTimeoutS(stage.isShort)} s.`);
    return [
      await side(
        stage,
        'without',
        'WITHOUT Handback: a connection that all share, and a pool of 5 for requests',
      ),
      await side(stage, 'with', 'WITH Handback: createPersistent() for the one, max 5 for the other'),
    ];
  },
};

function waitTimeoutS(isShort: boolean): number {
  return isShort ? SHORT_WAIT_TIMEOUT_S : WAIT_TIMEOUT_S;
}

async function side(stage: Stage, name: 'without' | 'with', words: string): Promise<Side> {
  await stage.begin(words);
  const payment = await stage.otherService();
  const app = await stage.startOne(`wait-timeout/${name}.js`, { PAYMENT_URL: payment.url });
  const first = await ask(app.at('/shared'));
  const checkout = ask(app.at('/checkout'), { body: {} });
  await stage.until('the checkout waits', () => payment.service.asked === 1);
  await stage.until(
    'the server has closed what was idle',
    async () => (await stage.operator.threads()).length === 0,
  );
  payment.service.answer();
  const shared = await inTurn(LATER, () => ask(app.at('/shared')));
  stage.say(
    `A query on the shared connection: ${tally([first])}; after a longer pause than wait_timeout: ${tally(shared)}`,
  );
  const within = await checkout;
  stage.say(`A checkout: a query, a longer wait for the payment service, a query: ${tally([within])}`);
  const { sockets, answers } = await whileBusy(stage, app);
  stage.showLog(app.log);
  await stage.clear();
  const failed = [shared, [within], answers].map((all) => all.length - withStatus(all, 200));
  return {
    name,
    figures: {
      [`failed on the shared connection, of ${LATER} after the pause`]: failed[0] ?? 0,
      'failed in the request with a pause, of 1': failed[1] ?? 0,
      'sockets in CLOSE_WAIT while the process was busy': sockets ?? 'known on Linux only',
      [`failed after that, of ${POOL + 1}`]: failed[2] ?? 0,
    },
    hit: failed.reduce((sum, count) => sum + count, 0),
  };
}

/** The process computes, and an operator ends sessions that only sleep. Nobody is there to see that the server has hung up. */
async function whileBusy(stage: Stage, app: App) {
  await Promise.all(times(POOL, () => ask(app.at('/products'))));
  const invoice = ask(app.at(`/invoice?ms=${BUSY_MS}`));
  await stage.until('the process is busy', () => app.log.includes(AT_WORK));
  const killed = await stage.operator.killAll();
  const sockets = await socketsLeft(stage, killed);
  stage.say(
    `An invoice keeps the process busy for ${BUSY_MS / 1_000} s, and its sessions sleep. Somebody kills them:`,
  );
  stage.say(
    `mysql> kill …;   -- ${killed} of them\n$ lsof -i:3306   # in CLOSE_WAIT: ${sockets ?? '(not known here)'}`,
  );
  await stage.consultDoctor();
  const visitors = times(POOL, () => ask(app.at('/products')));
  const answers = await Promise.all([invoice, ...visitors]);
  stage.say(`\nThen the invoice, and ${POOL} visitors who came meanwhile: ${tally(answers)}\n`);
  return { sockets, answers };
}

/** The last of them is closed a moment after its thread is gone. */
async function socketsLeft({ operator }: Stage, killed: number): Promise<number | undefined> {
  const end = performance.now() + CLOSING_MS;
  let sockets = await operator.socketsInCloseWait();
  while (sockets !== undefined && sockets < killed && performance.now() < end)
    sockets = await operator.socketsInCloseWait();
  return sockets;
}
