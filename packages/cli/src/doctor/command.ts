import { numberOption, textOption } from '../arguments.js';
import type { Command, Invocation, Values } from '../command.js';
import { CommandError, UsageError } from '../exit-codes.js';
import { exitCodeOf, type Finding } from '../findings.js';
import { passwordFor } from '../password.js';
import { openSession, type Session, type SocketEnds } from '../session.js';
import { parseTarget, type Target } from '../target.js';
import { type ApplicationPool, checkAppUrl, fetchApplication } from './application.js';
import { applicationPools } from './checks/application.js';
import { findingsOf } from './checks/index.js';
import { clientSockets, hiddenIn } from './checks/sockets.js';
import { takePicture } from './examine.js';
import { EXPECTATION_OPTIONS, expectationOf, expectationsOf } from './expectation.js';
import type { Picture, Unseen } from './picture.js';
import { refusalFinding } from './refused.js';
import { printReport, type Report, reportOf } from './report.js';
import { addressesOf } from './sockets/addresses.js';
import { type SocketCensus, takeCensus } from './sockets/census.js';

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_SAMPLE_MS = 1_000;

export const doctor: Command = {
  name: 'doctor',
  summary: 'who has connections to a server, how far it is from its limit, and what to change',
  usage: '<url> [--app <url>] [options]',
  description: `
<url> is the server's, as the application has it: mysql://user@host:3306/schema. Its password is taken from the
url, from HANDBACK_PASSWORD or MYSQL_PWD, or asked for on a terminal. It only reads (SELECT, SHOW), with the
privileges that the account has, and says what it could not see; PROCESS shows most of it.

--app is a route of the application that answers with { name, pid, stats, holders, connections, options } of its
pool (docs/doctor.md; a user and password in that url, or HANDBACK_APP_AUTHORIZATION, are sent along). Without it the pool's options are taken from
the command line, and else Handback's defaults are assumed.`,
  options: {
    app: { type: 'string', value: 'URL', help: "the application's statistics: http://127.0.0.1:3000/stats" },
    ...EXPECTATION_OPTIONS,
    'behind-proxy': {
      type: 'boolean',
      help: 'a proxy that shares connections answers at <url>: leave out what would then mislead',
    },
    sample: {
      type: 'string',
      value: 'MS',
      help: `how long to watch the counters (default ${DEFAULT_SAMPLE_MS}, 0 = not)`,
    },
    timeout: {
      type: 'string',
      value: 'MS',
      help: `for connecting and for each statement (default ${DEFAULT_TIMEOUT_MS})`,
    },
  },
  async run(invocation) {
    const request = requestOf(invocation);
    const { values, terminal } = invocation;
    const report = await diagnose(request, invocation);
    if (values.json) terminal.printJson(report);
    else printReport(terminal, report);
    return exitCodeOf(report.findings);
  },
};

interface Request {
  readonly target: Target;
  readonly timeoutMs: number;
  readonly sampleMs: number;
  readonly app: string | undefined;
  readonly behindProxy: boolean;
  readonly values: Values;
}

/** Throws UsageError before anything is asked. */
function requestOf({ values, positionals }: Invocation): Request {
  if (positionals.length > 1) throw new UsageError('doctor takes one url');
  const app = textOption(values, 'app');
  if (app !== undefined) checkAppUrl(app);
  expectationOf(values);
  return {
    target: parseTarget(positionals[0]),
    timeoutMs: numberOption(values, 'timeout', 1) ?? DEFAULT_TIMEOUT_MS,
    sampleMs: numberOption(values, 'sample') ?? DEFAULT_SAMPLE_MS,
    app,
    behindProxy: values['behind-proxy'] === true,
    values,
  };
}

/** What can be known without the server. */
interface Surroundings {
  readonly pools: readonly ApplicationPool[];
  readonly expectations: Picture['expectations'];
  readonly findings: Finding[];
  readonly unseen: Unseen[];
}

async function diagnose(request: Request, { env }: Invocation): Promise<Report> {
  const { target, timeoutMs } = request;
  const password = await passwordFor(target, { env });
  const surroundings = await lookAround(request, env);
  const session = await openSession(target, { password, timeoutMs }).catch((error) => {
    const refusal = error instanceof CommandError ? refusalFinding(error.code, error.message) : null;
    if (refusal) return refusal;
    throw error;
  });
  if ('severity' in session) return fromOutside(request, surroundings, session);
  try {
    return await fromInside(request, surroundings, session);
  } finally {
    await session.close();
  }
}

async function lookAround(request: Request, env: NodeJS.ProcessEnv): Promise<Surroundings> {
  const { app, values, timeoutMs } = request;
  const findings: Finding[] = [];
  let pools: readonly ApplicationPool[] = [];
  if (app !== undefined) {
    try {
      pools = await fetchApplication(app, { timeoutMs, env });
    } catch (error) {
      findings.push({
        id: 'application',
        severity: 'warning',
        title: 'the application did not tell of its pools',
        evidence: [(error as Error).message],
        change:
          '--app is a route that this host can reach and that answers with JSON: { name: pool.name, pid: process.pid, stats: pool.stats(), holders: pool.holders(), connections: pool.connections(), options: pool.options }',
      });
    }
  }
  return { pools, expectations: expectationsOf(values, pools), findings, unseen: [] };
}

async function fromInside(request: Request, surroundings: Surroundings, session: Session): Promise<Report> {
  const { pools, expectations, findings, unseen } = surroundings;
  const { target, behindProxy, sampleMs } = request;
  const sockets = await censusOf(target, unseen, session.socket);
  const picture = await takePicture({ target, session, expectations, pools, behindProxy, sampleMs, sockets });
  return reportOf(picture, [...findings, ...findingsOf(picture)], unseen);
}

/** Where we are not let in, this host's sockets and the application still tell something. */
async function fromOutside(request: Request, surroundings: Surroundings, refusal: Finding): Promise<Report> {
  const { pools, expectations, findings, unseen } = surroundings;
  const { target } = request;
  const sockets = await censusOf(target, unseen);
  return {
    server: { url: target.label },
    connections: [],
    findings: [
      refusal,
      ...findings,
      ...clientSockets({ sockets }),
      ...applicationPools({ pools, expectations }),
    ],
    unseen: [{ what: 'the server from within', why: refusal.title }, ...unseen],
  };
}

async function censusOf(
  { host, port, socketPath }: Target,
  unseen: Unseen[],
  ends?: SocketEnds,
): Promise<SocketCensus | null> {
  if (socketPath !== undefined) {
    unseen.push({
      what: 'the sockets of this host, and whose they are',
      why: 'the server is asked over its socket file, and its port is not known before',
      remedy: 'ask it at its address: mysql://user@127.0.0.1:3306/',
    });
    return null;
  }
  try {
    const addresses = await addressesOf(host, ends?.remoteAddress);
    const census = await takeCensus({ addresses, port: ends?.remotePort ?? port, exceptPid: process.pid });
    unseen.push(...hiddenIn(census));
    return census;
  } catch (error) {
    unseen.push({
      what: 'the sockets of this host',
      why: (error as Error).message,
      remedy: 'they are read from /proc, on Linux',
    });
    return null;
  }
}
