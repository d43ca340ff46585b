import { numberOption, textOption } from '../arguments.js';
import type { Command, Invocation } from '../command.js';
import { checkAppUrl } from '../doctor/application.js';
import { UsageError } from '../exit-codes.js';
import { passwordFor } from '../password.js';
import { openSession } from '../session.js';
import { parseTarget, type Target } from '../target.js';
import { type AppLook, askApps } from './app-watch.js';
import { intervalOf } from './interval.js';
import { Live } from './live.js';
import { Looker } from './looker.js';
import { printOnce } from './once.js';
import { Screen } from './screen.js';
import { ServerWatch } from './server-watch.js';

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_INTERVAL = '1s';

export const top: Command = {
  name: 'top',
  summary: 'a live view: pools, which routes hold their connections, and the threads of the server',
  usage: '<url> [--app <url>]... [options]',
  description: `
<url> is the server's, as the application has it: mysql://user@host:3306/schema. Its password is taken from the
url, from HANDBACK_PASSWORD or MYSQL_PWD, or asked for on a terminal. It only reads, with the privileges that the
account has, and says what it could not see; PROCESS shows all threads.

--app is a route of the application that answers with { name, pid, stats, holders, connections, options } of its
pool (docs/top.md), once for each process (a user and password in that url, or HANDBACK_APP_AUTHORIZATION, are sent
along). Threads and holders are joined by the thread's id. Statements are shown without their values.

Keys: q or Ctrl-C ends it, p pauses, arrows or j and k scroll, space and b by pages, g and G to the ends.`,
  options: {
    app: {
      type: 'string',
      multiple: true,
      value: 'URL',
      help: "an application's statistics: http://127.0.0.1:3000/stats",
    },
    interval: {
      type: 'string',
      value: '1s',
      help: `how often to look: 500ms, 1s, 2 (default ${DEFAULT_INTERVAL})`,
    },
    once: { type: 'boolean', help: 'one look as text, for files and pipes; --json is one look too' },
    timeout: {
      type: 'string',
      value: 'MS',
      help: `for connecting and for each question (default ${DEFAULT_TIMEOUT_MS})`,
    },
  },
  async run(invocation) {
    const request = requestOf(invocation);
    const { target, timeoutMs, intervalMs } = request;
    const password = await passwordFor(target, { env: invocation.env });
    const server = new ServerWatch({
      open: () => openSession(target, { password, timeoutMs }),
      retryMs: intervalMs,
      now: () => performance.now(),
    });
    const over = new AbortController();
    try {
      await server.begin();
      const looker = new Looker(target.label, server, () => request.ask(over.signal));
      return request.once ? await printOnce(invocation, looker) : await live(invocation, looker, intervalMs);
    } finally {
      over.abort();
      await server.close();
    }
  },
};

interface Request {
  readonly target: Target;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly once: boolean;
  readonly ask: (signal: AbortSignal) => Promise<AppLook[]>;
}

/** Throws UsageError before anything is asked. */
function requestOf({ values, positionals, terminal, env }: Invocation): Request {
  if (positionals.length > 1) throw new UsageError('top takes one url');
  const target = parseTarget(positionals[0]);
  const apps = (values.app ?? []) as string[];
  for (const url of apps) checkAppUrl(url);
  const timeoutMs = numberOption(values, 'timeout', 1) ?? DEFAULT_TIMEOUT_MS;
  const intervalMs = intervalOf(textOption(values, 'interval') ?? DEFAULT_INTERVAL);
  const once = values.once === true || values.json === true;
  if (!once && !(terminal.isInteractive && env.TERM !== 'dumb')) {
    throw new UsageError(
      'top draws on a terminal, and its output goes elsewhere: --once prints one look, --json one document',
    );
  }
  return { target, timeoutMs, intervalMs, once, ask: (signal) => askApps(apps, { timeoutMs, env, signal }) };
}

function live({ terminal }: Invocation, looker: Looker, intervalMs: number): Promise<number> {
  const streams = { input: process.stdin, output: process.stdout };
  return new Live({
    streams,
    screen: new Screen(streams),
    paint: (style, text) => terminal.style(style, text),
    intervalMs,
    look: () => looker.look(),
  }).run();
}
