/** Incident 1 of docs/operations.md. Takes the options of `npm run incident`; the applications are in ../src/incidents/forgotten-sessions. */
process.argv.splice(2, 0, '1');
await import('../../scripts/incident.mjs');
