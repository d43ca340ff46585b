import { numberOption } from '../arguments.js';
import type { Command } from '../command.js';
import { UsageError } from '../exit-codes.js';
import { exitCodeOf, printFindings } from '../findings.js';
import { passwordFor } from '../password.js';
import { openSession } from '../session.js';
import { parseTarget } from '../target.js';
import { examine } from './examine.js';

const DEFAULT_TIMEOUT_MS = 5_000;

export const doctor: Command = {
  name: 'doctor',
  summary: 'who has connections to a server, how far it is from its limit, and what to change',
  usage: '<url> [options]',
  description: `
<url> is the server's, as the application has it: mysql://user@host:3306/schema. Its password is taken from the
url, from HANDBACK_PASSWORD or MYSQL_PWD, or asked for on a terminal. It only reads: SELECT and SHOW.`,
  options: {
    timeout: {
      type: 'string',
      value: 'MS',
      help: `for connecting and for each statement (default ${DEFAULT_TIMEOUT_MS})`,
    },
  },
  async run({ values, positionals, terminal, env }) {
    if (positionals.length > 1) throw new UsageError('doctor takes one url');
    const target = parseTarget(positionals[0]);
    const timeoutMs = numberOption(values, 'timeout', 1) ?? DEFAULT_TIMEOUT_MS;
    const password = await passwordFor(target, { env });
    const session = await openSession(target, { password, timeoutMs });
    try {
      const findings = await examine(session);
      if (values.json) terminal.printJson({ server: target.label, findings });
      else printFindings(terminal, findings);
      return exitCodeOf(findings);
    } finally {
      await session.close();
    }
  },
};
