import type { Command } from './command.js';
import { doctor } from './doctor/command.js';
import { plan } from './plan/command.js';
import { top } from './top/command.js';

/** In the order in which `--help` lists them. */
export const COMMANDS: readonly Command[] = [doctor, plan, top];
