/** Incident 5 of docs/operations.md. Takes the options of `npm run incident`; the applications are in ../src/incidents/wait-timeout. */
process.argv.splice(2, 0, '5');
await import('../../scripts/incident.mjs');
