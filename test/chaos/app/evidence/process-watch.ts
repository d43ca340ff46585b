import type { Evidence } from './evidence.js';

/** I10 and I15: what a process says and suffers. The hooks stay for its life. */
export function watchProcess(evidence: Evidence): void {
  process.on('uncaughtException', (error) => {
    evidence.violation('I10', `uncaught exception: ${firstLines(error)}`);
    evidence.said('an uncaught exception', error);
  });
  process.on('unhandledRejection', (reason) => {
    evidence.violation('I10', `unhandled rejection: ${firstLines(reason)}`);
  });
  process.on('warning', (warning) => {
    evidence.said('a process warning', warning);
    evidence.count(`warning:${warning.name}`);
    if (warning.name === 'MaxListenersExceededWarning') evidence.violation('I10', warning.message);
  });
  watchConsole(evidence);
  watchOutput(evidence, process.stdout);
  watchOutput(evidence, process.stderr);
}

function firstLines(error: unknown): string {
  return String((error as Error | undefined)?.stack ?? error)
    .split('\n')
    .slice(0, 3)
    .join(' ');
}

/** Nothing in this process has a reason to use it: what does is the driver, or a framework. */
function watchConsole(evidence: Evidence): void {
  const { error: original } = console;
  console.error = (...said: unknown[]) => {
    evidence.violation('I10', `console.error: ${said.map(firstLines).join(' ')}`);
    original.apply(console, said);
  };
}

function watchOutput(evidence: Evidence, stream: NodeJS.WriteStream): void {
  const original = stream.write;
  stream.write = function write(this: NodeJS.WriteStream, ...given: unknown[]) {
    const secret = evidence.secrets.in(String(given[0]));
    if (secret) evidence.violation('I15', `${secret} was printed`);
    return (original as (...given: unknown[]) => boolean).apply(this, given);
  } as typeof original;
}
