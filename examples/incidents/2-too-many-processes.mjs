/** Incident 2 of docs/operations.md. Takes the options of `npm run incident`; the applications are in ../src/incidents/too-many-processes. */
process.argv.splice(2, 0, '2');
await import('../../scripts/incident.mjs');
