import { type CallFrame, isIdle, type Owner, ownerOf } from './classify.js';

/** What the inspector writes into a .cpuprofile. */
export interface CpuProfile {
  nodes: ProfileNode[];
  /** The node of each sample. */
  samples: number[];
  /** Before each sample, in microseconds. */
  timeDeltas: number[];
}

export interface ProfileNode {
  id: number;
  callFrame: CallFrame;
  children?: number[];
}

export interface FunctionTime {
  readonly owner: Owner;
  /** Name, file and line. */
  readonly where: string;
  selfUs: number;
}

export interface Tally {
  /** All but the time in which there was nothing to do. */
  readonly busyUs: number;
  /** Time in the functions of each. */
  readonly self: Map<Owner, number>;
  /** With the time of Node's functions given to whoever called them; what has no such caller stays Node's. */
  readonly onBehalf: Map<Owner, number>;
  /** The most expensive first. */
  readonly functions: FunctionTime[];
}

/** Where the time of a profile went. */
export function tally(profile: CpuProfile): Tally {
  const selfUs = timePerNode(profile);
  const [self, onBehalf] = [new Map<Owner, number>(), new Map<Owner, number>()];
  const functions = new Map<string, FunctionTime>();
  let busyUs = 0;
  for (const { node, owner, customer } of walk(profile.nodes)) {
    const us = selfUs.get(node.id) ?? 0;
    if (us === 0 || isIdle(node.callFrame)) continue;
    busyUs += us;
    self.set(owner, (self.get(owner) ?? 0) + us);
    onBehalf.set(customer, (onBehalf.get(customer) ?? 0) + us);
    const where = nameOf(node.callFrame);
    const known = functions.get(where);
    if (known) known.selfUs += us;
    else functions.set(where, { owner, where, selfUs: us });
  }
  return { busyUs, self, onBehalf, functions: [...functions.values()].sort((a, b) => b.selfUs - a.selfUs) };
}

function timePerNode({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  for (const [n, id] of samples.entries()) {
    // The stretch that began with this sample ends with the next one.
    times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[n + 1] ?? 0));
  }
  return times;
}

interface Step {
  node: ProfileNode;
  owner: Owner;
  /** On whose behalf: the owner itself, or of Node's functions the nearest caller that isn't Node's. */
  customer: Owner;
}

/** Every node below the root, with what it takes over from its caller. */
function* walk(nodes: readonly ProfileNode[]): Generator<Step> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const [root] = nodes;
  const stack: Step[] = root ? [{ node: root, owner: 'native', customer: 'native' }] : [];
  for (let step = stack.pop(); step; step = stack.pop()) {
    yield step;
    for (const id of step.node.children ?? []) {
      const node = byId.get(id);
      if (node) stack.push(below(step, node));
    }
  }
}

function below(caller: Step, node: ProfileNode): Step {
  const owner = ownerOf(node.callFrame) ?? caller.owner;
  const hasCustomer = !isNodes(caller.customer) && caller.customer !== 'native';
  return { node, owner, customer: isNodes(owner) && hasCustomer ? caller.customer : owner };
}

function isNodes(owner: Owner): boolean {
  return owner.startsWith('node ');
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const file = url.replace(/^.*\/node_modules\//, '').replace(/^file:.*?\/((packages|bench)\/.*)$/, '$1');
  return `${name} ${file}:${lineNumber + 1}`;
}
