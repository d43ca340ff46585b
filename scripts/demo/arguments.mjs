import { isFree } from '../database/free-port.mjs';
import { parseOptionsOf, UsageError } from '../lib/read-arguments.mjs';

const frameworks = ['fastify', 'express', 'koa', 'http'];
const defaultPort = 3000;

export const usage = `Usage: npm start [-- ${frameworks.join(' | ')}]

Runs the demo on this framework (fastify), with a database: a throwaway server if there is none.

  -h, --help   this

PORT: where it listens (${defaultPort}). HANDBACK_DATABASE_URL: a database server to use instead.`;

/** @param {string[]} args @returns {string | undefined} undefined when only help is asked for. @throws {UsageError} */
export function parseFramework(args) {
  const { values, positionals } = parseOptionsOf(args, usage, { allowPositionals: true, options: {} });
  if (values.help) return undefined;
  const [framework = 'fastify', ...rest] = positionals;
  if (frameworks.includes(framework) && rest.length === 0) return framework;
  throw new UsageError(`There is no demo "${args.join(' ')}".\n\n${usage}`);
}

/** @param {string | undefined} text the variable PORT @returns {number} */
export function parsePort(text) {
  if (!text) return defaultPort;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new Error(`PORT must be a number from 1 to 65535, and is "${text}".`);
}

/** Asked before the setup, which may take minutes. @param {number} port @param {string[]} args */
export async function assertPortIsFree(port, args) {
  const free = await isFree(port).catch((error) => {
    throw new Error(`The demo may not listen on port ${port} (${error.code}). ${advice(port, args)}`);
  });
  if (!free) throw new Error(`Port ${port} is taken by another program. ${advice(port, args)}`);
}

/** @param {number} port @param {string[]} args */
function advice(port, args) {
  const other = port < 1024 || port === 65_535 ? defaultPort + 1 : port + 1;
  const command = ['npm start', ...args].join(' -- ');
  return `Choose another one: PORT=${other} ${command}`;
}
