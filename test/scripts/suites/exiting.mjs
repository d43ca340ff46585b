it('passes', () => {});
it('ends the process', () => process.exit(0));
it('is never reached', () => {});
