import type { Socket } from 'node:net';

/**
 * Cuts a connection with an RST. One that is saying goodbye just now can't be reset: Node would keep its handle for ever,
 * and never say that it is closed.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
