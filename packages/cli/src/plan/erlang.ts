/**
 * The probability that all `servers` are taken when arrivals don't wait (Erlang B), by the recursion that neither overflows nor
 * loses digits. `offered` = arrivals per hold time.
 */
export function erlangB(servers: number, offered: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked;
}

/** The probability that an arrival has to wait (Erlang C, M/M/c); 1 from the point on where the queue never ends. */
export function erlangC(servers: number, offered: number): number {
  if (offered >= servers) return 1;
  return waitsGiven(erlangB(servers, offered), servers, offered);
}

/** Erlang C from Erlang B of the same servers: one step more of the recursion that finds the number of servers. */
export function waitsGiven(blocked: number, servers: number, offered: number): number {
  return (servers * blocked) / (servers - offered * (1 - blocked));
}
