/**
 * Columns that tell one server from another: what two servers may have in common (a number in a cluster, a network address
 * in containers, a name), they do not have in common all at once. An old server does not know `server_uid`.
 */
export const IDENTITY =
  'CONNECTION_ID() AS connectionId, @@server_uid AS serverUid, @@server_id AS serverId, @@hostname AS hostname, @@port AS port';

/**
 * null = it can't be told: whoever has another number for the session than the handshake had answers in the server's place,
 * and may ask another server each time.
 */
export function identityOf(row: Record<string, unknown>, threadId: number): string | null {
  const { connectionId, serverUid, serverId, hostname, port } = row;
  if (Number(connectionId) !== threadId || !serverUid) return null;
  return JSON.stringify([serverUid, serverId, hostname, port].map(String));
}
