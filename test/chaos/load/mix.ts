import { randomUUID } from 'node:crypto';
import type { Random } from '../random.js';
import type { Ask } from './http-socket.js';

export interface Choice extends Ask {
  /** In the counts: the path without what varies. */
  route: string;
  /** Of a transfer: its line in the ledger. */
  op?: string;
  /** It is never answered: the client leaves after so long. */
  patienceMs?: number;
}

const TRANSFERS = ['function', 'hand', 'route'] as const;
const STAINS = 25;

type Pick = (random: Random, mix: Mix) => Choice;

const PICKS: Record<string, Pick> = {
  '/read': (random, { accounts }) => get('/read', `?id=${random.int(1, accounts)}`),
  '/transfer': (random, mix) => transfer('/transfer', random, mix),
  '/transfer-that-throws': (random, mix) => transfer('/transfer-that-throws', random, mix),
  '/sleep': () => get('/sleep'),
  '/stream': (random) => get('/stream', `?rows=${random.chance(0.1) ? 4_000 : 100}`),
  '/dirty': (_random, mix) => {
    return { route: '/dirty', method: 'POST', path: '/dirty', body: { stain: mix.stain++ % STAINS } };
  },
  '/forget': () => get('/forget'),
  '/late': () => get('/late'),
  '/double-release': () => get('/double-release'),
  '/never': () => ({ ...get('/never'), patienceMs: 300 }),
  '/mistake': () => get('/mistake'),
};

/** Per cent, but for the mistakes, which come on top. */
const USUAL_SHARES: Record<string, number> = {
  '/read': 60,
  '/transfer': 20,
  '/transfer-that-throws': 5,
  '/sleep': 3,
  '/stream': 3,
  '/dirty': 3,
  '/forget': 2,
  '/late': 2,
  '/double-release': 1,
  '/never': 1,
  '/mistake': 0.5,
};

function get(route: string, query = ''): Choice {
  return { route, method: 'GET', path: route + query };
}

function transfer(path: string, random: Random, { accounts }: Mix): Choice {
  const op = randomUUID();
  const from = random.int(1, accounts);
  const to = 1 + ((from + random.int(0, accounts - 2)) % accounts);
  const route = `${path}/${random.pick(TRANSFERS)}`;
  return { route, method: 'POST', path: route, op, body: { op, from, to, amount: random.int(1, 20) } };
}

/** What the clients ask for, in the shares of the chaos run, each stain in its turn. */
export class Mix {
  readonly accounts: number;
  stain = 0;
  readonly #shares: [route: string, share: number][];
  readonly #sum: number;

  constructor(accounts: number, shares: Record<string, number> = {}) {
    this.accounts = accounts;
    const unknown = Object.keys(shares).filter((route) => !(route in PICKS));
    if (unknown.length > 0) throw new Error(`There is no route ${unknown.join(', ')}.`);
    this.#shares = Object.entries({ ...USUAL_SHARES, ...shares });
    this.#sum = this.#shares.reduce((sum, [, share]) => sum + share, 0);
  }

  next(random: Random): Choice {
    let at = random.share() * this.#sum;
    for (const [route, share] of this.#shares) {
      at -= share;
      if (at < 0) return (PICKS[route] as Pick)(random, this);
    }
    throw new Error('The shares of the mix sum up to nothing.');
  }
}
