import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { canonicalAddress } from './proc-net.js';

const LOOPBACK = /^(127\.|::1$)/;

/** All addresses under which processes of this host may have reached the server; `known` is the one that we have used. */
export async function addressesOf(host: string, known: string | undefined): Promise<Set<string>> {
  const resolved = await lookup(host, { all: true }).catch(() => []);
  const addresses = new Set(resolved.map(({ address }) => canonicalAddress(address)));
  if (known !== undefined) addresses.add(canonicalAddress(known));
  const own = ownAddresses();
  const isHere = [...addresses].some((address) => LOOPBACK.test(address) || own.includes(address));
  if (isHere) for (const address of own) addresses.add(address);
  return addresses;
}

function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return interfaces.map(({ address }) => canonicalAddress(address));
}
