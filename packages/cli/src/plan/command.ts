import type { Command } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { normalize, PLAN_OPTIONS, type PlanInput, readInput } from './input.js';
import { makePlan, type Plan } from './plan.js';
import { printPlan } from './report.js';

export const plan: Command = {
  name: 'plan',
  summary: 'how many connections the processes want, what fits, and who waits at which load',
  usage: '--processes 20x32 --max 200 --server-max 1600 [--reserve 10%] [--rolling] [options]',
  description: `Adds up the connections of all processes, says what would fit, and estimates how long requests wait for one:
by a formula (Erlang C), and by a simulation that checks it. Asks no server.
Exit code 0: connections and load fit; 1: they don't.`,
  options: PLAN_OPTIONS,
  normalize,
  async run({ values, positionals, terminal }) {
    const input = readInput(values, positionals);
    const made = makePlan(input);
    if (values.json) terminal.printJson(document(input, made));
    else printPlan(terminal, input, made);
    return made.advice.verdict === 'fits' ? EXIT.ok : EXIT.findings;
  },
};

/** For programs. What is infinite is null. */
function document(input: PlanInput, { budget, advice, spreads }: Plan) {
  return {
    fits: advice.verdict === 'fits',
    ...advice,
    demand: input.demand,
    load: input.load,
    connections: budget,
    spreads,
  };
}
