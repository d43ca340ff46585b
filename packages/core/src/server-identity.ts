/**
 * Tells one server from another: what two servers may have in common (a number in a cluster, a network address in
 * containers, a name), they do not have in common all at once. An old server does not know `server_uid`. In one column,
 * since each one costs both ends a packet.
 */
export const IDENTITY =
  "CONCAT_WS(' ', CONNECTION_ID(), @@server_uid, @@server_id, @@port, @@hostname) AS identity";

/** The session's number, and something of each of the rest: what is NULL is left out. */
const COMPLETE = /^(\d+) (\S+ \S+ \S+ \S.*)$/;

/**
 * null = it can't be told: whoever has another number for the session than the handshake had answers in the server's place,
 * and may ask another server each time.
 */
export function identityOf(identity: unknown, threadId: number): string | null {
  const [, connectionId, server = null] = COMPLETE.exec(String(identity)) ?? [];
  return Number(connectionId) === threadId ? server : null;
}
