import { spawn } from 'node:child_process';

/** Runs a command that must not outlive the process that started this one: its end closes our standard input. */
const [, , command = '', ...args] = process.argv;
const child = spawn(command, args, { stdio: 'ignore' });
child.once('error', () => process.exit(1));
child.once('exit', (code) => process.exit(code ?? 1));
process.stdin.resume().once('close', () => child.kill('SIGKILL'));
