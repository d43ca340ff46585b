import { type FaultName, faultNames } from '../types.js';
import { accountFaults } from './account-faults.js';
import { clientFaults } from './client-faults.js';
import type { Fault } from './fault.js';
import { proxyFaults } from './proxy-faults.js';
import { serverFaults } from './server-faults.js';

const all = [...proxyFaults, ...serverFaults, ...accountFaults, ...clientFaults];

/** Every fault there is, by its name. */
export const catalogue = Object.fromEntries(
  faultNames.map((name) => {
    const found = all.filter((fault) => fault.name === name);
    if (found.length !== 1) throw new Error(`${found.length} faults are called ${name}`);
    return [name, found[0]];
  }),
) as Record<FaultName, Fault>;
