import { afterResponse } from './cases/after-response.js';
import { badConnections } from './cases/bad-connections.js';
import { badOptions } from './cases/bad-options.js';
import { cancel } from './cases/cancel.js';
import { cleanHandBacks } from './cases/clean-costs-nothing.js';
import { clientLeaves } from './cases/client-leaves.js';
import { clientSignal } from './cases/client-signal.js';
import { commitGate } from './cases/commit-gate.js';
import { context, doubleAcquire } from './cases/context.js';
import { draining } from './cases/draining.js';
import { exhaustion } from './cases/exhaustion.js';
import { exposed } from './cases/exposed.js';
import { hijack } from './cases/hijack.js';
import { idleHandBack } from './cases/idle-hand-back.js';
import { inject } from './cases/inject.js';
import { keepAlive } from './cases/keep-alive.js';
import { lateReports } from './cases/late-reports.js';
import { latePolicy, lateStatements } from './cases/late-work.js';
import { laziness } from './cases/laziness.js';
import { lostConnections } from './cases/lost-connections.js';
import { neverEnding } from './cases/never-ending.js';
import { optOut } from './cases/opt-out.js';
import { overload } from './cases/overload.js';
import { ownership } from './cases/ownership.js';
import { pipelining } from './cases/pipelining.js';
import { registration } from './cases/registration.js';
import { requestTransactions } from './cases/request-transactions.js';
import { requestTransactionsOfGoneClients } from './cases/request-transactions-of-gone-clients.js';
import { ownSession } from './cases/session-own.js';
import { sessionSpecials } from './cases/session-specials.js';
import { hiddenSessionState, rememberedAnswers, sessionState } from './cases/session-state.js';
import { sharing } from './cases/sharing.js';
import { slowReaders } from './cases/slow-readers.js';
import { staleConnections } from './cases/stale-connections.js';
import { storm } from './cases/storm.js';
import { streaming } from './cases/streaming.js';
import { throwing } from './cases/throwing.js';
import { transactionsAtTheEnd } from './cases/transactions-at-the-end.js';
import { transactionsOfGoneClients } from './cases/transactions-of-gone-clients.js';
import { upgrade } from './cases/upgrade.js';
import { waitingRequests } from './cases/waiting.js';
import type { Case } from './harness.js';

/** The whole contract, by behaviour. */
export const suite: Record<string, Case[]> = {
  'no query, no connection': laziness,
  'one connection per request': sharing,
  errors: throwing,
  'streamed bodies': streaming,
  'slow readers': slowReaders,
  'clients that leave': clientLeaves,
  pipelining: pipelining,
  'everything at once': storm,
  'waiting for a connection': waitingRequests,
  'what is still running at the end': draining,
  'transactions open at the end': transactionsAtTheEnd,
  'transactions of clients that leave': transactionsOfGoneClients,
  'transactions of whole requests': requestTransactions,
  'answers wait for COMMIT': commitGate,
  'transactions of whole requests whose clients leave': requestTransactionsOfGoneClients,
  'late work': [...lateStatements, ...latePolicy, ...lateReports],
  afterResponse: [...afterResponse, ...cancel],
  'db.signal': clientSignal,
  'opting out': optOut,
  'keep-alive': keepAlive,
  'inject()': inject,
  'responses taken from the framework': hijack,
  'responses that last': [...idleHandBack, ...neverEnding],
  upgrades: upgrade,
  'the raw connection': exposed,
  'ownership of the pool': ownership,
  'several registrations': registration,
  currentDb: context,
  'two connections in one request': doubleAcquire,
  'session state': [...sessionState, ...sessionSpecials],
  'session state set behind the text': hiddenSessionState,
  'session state of the last statement': rememberedAnswers,
  "session state that is the request's own": ownSession,
  'clean costs nothing': cleanHandBacks,
  exhaustion: exhaustion,
  overload: overload,
  'wrong options': badOptions,
  'stale connections': staleConnections,
  'connections lost in a request': lostConnections,
  'unreachable databases': badConnections,
};
