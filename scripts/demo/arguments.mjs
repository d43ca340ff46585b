import { isFree } from '../database/free-port.mjs';

const frameworks = ['fastify', 'express', 'koa', 'http'];
const defaultPort = 3000;

/** Something the user typed wrong: the message is all there is to show. */
export class UsageError extends Error {
  /** @param {string} message @param {number} exitCode */
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param {string[]} args @returns {string} */
export function parseFramework(args) {
  const [framework = 'fastify', ...rest] = args;
  if (frameworks.includes(framework) && rest.length === 0) return framework;
  throw new UsageError(
    `Usage: npm start [-- ${frameworks.join(' | ')}]\nThere is no demo "${args.join(' ')}".`,
    2,
  );
}

/** @param {string | undefined} text the variable PORT @returns {number} */
export function parsePort(text) {
  if (!text) return defaultPort;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`PORT must be a number from 1 to 65535, and is "${text}".`, 1);
}

/** Asked before the setup, which may take minutes. @param {number} port @param {string[]} args */
export async function assertPortIsFree(port, args) {
  const free = await isFree(port).catch((error) => {
    throw new UsageError(`The demo may not listen on port ${port} (${error.code}). ${advice(port, args)}`, 1);
  });
  if (!free) throw new UsageError(`Port ${port} is taken by another program. ${advice(port, args)}`, 1);
}

/** @param {number} port @param {string[]} args */
function advice(port, args) {
  const other = port < 1024 || port === 65_535 ? defaultPort + 1 : port + 1;
  const command = ['npm start', ...args].join(' -- ');
  return `Choose another one: PORT=${other} ${command}`;
}
