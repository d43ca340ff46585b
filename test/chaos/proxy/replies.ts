const HEADER = 4;
const OK = 0x00;
const EOF = 0xfe;
const ERR = 0xff;
/** A server writes a reply in pieces of this size. */
const PIECE = 16_384;
/** Of a packet that says no more than that a list is over; a longer one ends the reply. */
const PLAIN_END = 5;

/** Are these bytes, which came from the server at once, all of a reply to a command? In doubt: no. */
export function isWholeReply(chunk: Buffer): boolean {
  const packets = chunk.length < PIECE ? packetsOf(chunk) : [];
  const [first] = packets;
  const last = packets.at(-1);
  // A reply begins at 1; what is said before the first command begins elsewhere.
  if (!first || !last || first.sequence !== 1) return false;
  if (last.code === ERR) return true;
  if (packets.length === 1) return last.code === OK;
  if (last.code !== EOF) return false;
  const lists = packets.filter(({ code, payload }) => code === EOF && payload.length === PLAIN_END).length;
  return (
    last.payload.length > PLAIN_END ||
    (first.code === OK ? lists === listsOfPrepared(first) : lists % 2 === 0)
  );
}

/** What is told of a prepared statement: its parameters and its columns, if it has any. */
function listsOfPrepared({ payload }: Packet): number {
  if (payload.length < 9) return 0;
  return Number(payload.readUInt16LE(5) > 0) + Number(payload.readUInt16LE(7) > 0);
}

interface Packet {
  sequence: number;
  /** Its first byte: what kind of packet it is. */
  code: number;
  payload: Buffer;
}

/** None unless they are whole and without a gap. */
function packetsOf(chunk: Buffer): Packet[] {
  const packets: Packet[] = [];
  let at = 0;
  while (at + HEADER < chunk.length) {
    const sequence = chunk[at + 3] as number;
    const end = at + HEADER + chunk.readUIntLE(at, 3);
    if (end > chunk.length || (packets.length > 0 && sequence !== (packets.length + 1) % 256)) return [];
    packets.push({ sequence, code: chunk[at + HEADER] as number, payload: chunk.subarray(at + HEADER, end) });
    at = end;
  }
  return at === chunk.length ? packets : [];
}
