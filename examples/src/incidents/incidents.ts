import { connectionPerRequest } from './connection-per-request/incident.js';
import { exhaustedPool } from './exhausted-pool/incident.js';
import { forgottenSessions } from './forgotten-sessions/incident.js';
import type { Incident } from './stage/incident.js';
import { tooManyProcesses } from './too-many-processes/incident.js';
import { waitTimeout } from './wait-timeout/incident.js';

export const incidents: readonly Incident[] = [
  forgottenSessions,
  tooManyProcesses,
  connectionPerRequest,
  exhaustedPool,
  waitTimeout,
];
