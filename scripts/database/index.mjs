/** Databases for the demo and the tests. Loads no package, so that it can be imported before any is installed. */
export { findServer } from './find-server.mjs';
export { getDatabase } from './get-database.mjs';
export { assertOurSchema } from './schema.mjs';
export { startServer } from './server.mjs';
