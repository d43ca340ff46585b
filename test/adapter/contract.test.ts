import { contract, suite } from '@handback/contract';
import { chain } from './harness.js';

// Sessions are core's affair: their cases take most of the time and know no adapter.
const behaviours = Object.keys(suite).filter((name) => !name.startsWith('session state'));

contract(chain, { behaviours });
