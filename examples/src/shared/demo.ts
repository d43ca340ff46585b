/** All of the demo that is not a framework's. */
export { accountsTotal, transfer } from './accounts.js';
export { exportVisits, ndjson, visits } from './export.js';
export { page } from './page.js';
export { answerTo, report } from './problems.js';
export { sleep } from './slow.js';
export { statsOf } from './stats.js';
export { findUser, listUsers } from './users.js';
