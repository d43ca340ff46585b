import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const protocolVersion = 10;
const headerLength = 4;

/**
 * Reads the packet with which a MySQL or MariaDB server greets every client. A server sends it only once it is ready, and
 * reading it needs no client library.
 *
 * @param {{ host: string, port: number, timeoutMs?: number }} address
 * @returns {Promise<string>} the server's version
 */
export function readGreeting({ host, port, timeoutMs = 2_000 }) {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect({ host, port, timeout: timeoutMs });
    const fail = (/** @type {Error} */ error) => {
      socket.destroy();
      reject(error);
    };
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length > headerLength && received[headerLength] !== protocolVersion) {
        return fail(
          new Error(`what answers at ${host}:${port} does not greet like a MySQL or MariaDB server`),
        );
      }
      const version = parseVersion(received);
      if (version === undefined) return;
      socket.destroy();
      resolve(version);
    });
    socket.once('timeout', () => fail(new Error(`no greeting from ${host}:${port} within ${timeoutMs} ms`)));
    socket.once('error', fail);
    socket.once('close', () => fail(new Error(`${host}:${port} closed the connection without a greeting`)));
  });
}

/** @param {Buffer} packet */
function parseVersion(packet) {
  const end = packet.indexOf(0, headerLength + 1);
  if (end === -1) return undefined;
  // MariaDB 10 puts this in front for replicas that would not understand a two-digit version.
  return packet.toString('latin1', headerLength + 1, end).replace(/^5\.5\.5-/, '');
}

/**
 * Polls until the server greets.
 *
 * @param {{ host: string, port: number, deadlineMs: number, signal: AbortSignal }} options `signal`: stop waiting
 * @returns {Promise<string>} the server's version
 */
export async function waitForGreeting({ host, port, deadlineMs, signal }) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await readGreeting({ host, port });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(15, undefined, { signal });
    }
  }
}
