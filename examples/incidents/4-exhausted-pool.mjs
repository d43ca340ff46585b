/** Incident 4 of docs/operations.md. Takes the options of `npm run incident`; the applications are in ../src/incidents/exhausted-pool. */
process.argv.splice(2, 0, '4');
await import('../../scripts/incident.mjs');
