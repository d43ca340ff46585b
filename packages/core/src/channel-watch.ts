import type { Channel } from 'node:diagnostics_channel';

/** What changes who hears a channel. */
const CHANGES = ['subscribe', 'unsubscribe', 'bindStore', 'unbindStore'] as const;

/** What is the same of a channel whatever is published on it. */
type Watched = Pick<Channel, 'hasSubscribers'> & object;

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** `told` is called with whether anybody hears one of the channels: now, and whenever that may have changed. */
export function watchAny(channels: readonly Watched[], told: (heard: boolean) => void): void {
  const look = () => told(channels.some(({ hasSubscribers }) => hasSubscribers));
  for (const channel of channels) for (const change of CHANGES) follow(channel, change, look);
  look();
}

// A channel has no event for it. But whoever subscribes, in whichever way, comes by these methods of the channel itself.
function follow(channel: Watched, change: (typeof CHANGES)[number], look: () => void): void {
  const before = Object.getOwnPropertyDescriptor(channel, change)?.value as Method | undefined;
  const value = function followed(this: Watched, ...given: unknown[]) {
    // Its class changes with its first subscriber, and back with the last. Another copy of this package may follow it too.
    const method = before ?? ((Object.getPrototypeOf(this) as Record<string, unknown>)[change] as Method);
    const result = method.apply(this, given);
    look();
    return result;
  };
  Object.defineProperty(channel, change, { value, configurable: true, writable: true });
}
