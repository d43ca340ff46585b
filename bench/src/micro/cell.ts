/** One contender under one scenario, in a process of its own: see part.ts. */
import { taskOf } from '../measure/child.js';
import type { ConnectionFacts } from '../measure/server.js';
import type { MakePool } from './contender.js';
import { type ContenderId, contenders } from './contenders.js';
import { type Scenario, type ScenarioId, scenarios } from './scenarios.js';

export interface CellTask {
  readonly contender: ContenderId;
  readonly scenario: ScenarioId;
  readonly connection: ConnectionFacts;
}

const { contender, scenario, connection } = taskOf<CellTask>();
const { max, waiters, run }: Scenario = scenarios[scenario];
const makePool: MakePool = await contenders[contender].load();
const measured = await run(makePool({ max, waiters, connection }));
console.log(JSON.stringify(measured));
// The connections end with the process: closing a thousand of them is not what is measured.
process.exit(0);
