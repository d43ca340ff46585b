/** Incident 3 of docs/operations.md. Takes the options of `npm run incident`; the applications are in ../src/incidents/connection-per-request. */
process.argv.splice(2, 0, '3');
await import('../../scripts/incident.mjs');
