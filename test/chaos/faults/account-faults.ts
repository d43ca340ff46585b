import { type Fault, fault } from './fault.js';
import { newPassword, type Stage } from './stage.js';

const restore = ({ account }: Stage) => account.restore();

/** Too few for the app: it loses all it has, and gets these back. */
const maxUserConnections = fault({
  name: 'max-user-connections',
  start: async ({ admin, account }, random) => {
    await account.limit(random.int(1, 3));
    await admin.killAllOf(account.user);
  },
  heal: restore,
});

/** Locked, or gone; and its sessions with it. */
const locked = fault({
  name: 'account',
  start: async ({ admin, account }, random) => {
    await (random.chance(0.5) ? account.lock() : account.drop());
    await admin.killAllOf(account.user);
  },
  heal: restore,
});

/** A new one now and again, which the file has a little later; some connections are lost meanwhile, so that it is read. */
const password = fault({
  name: 'password',
  start: async ({ admin, account }, random, during) => {
    const rotate = async () => {
      await account.setPassword(newPassword(), async () => {
        const threads = await admin.threadsOf(account.user);
        for (const { id } of random.sample(threads, 2)) await admin.kill('CONNECTION', id);
        await during.pause(random.int(0, 500));
      });
    };
    await rotate();
    during.repeat(() => random.int(300, 1_500), rotate);
  },
  heal: restore,
});

export const accountFaults: readonly Fault[] = [maxUserConnections, locked, password];
