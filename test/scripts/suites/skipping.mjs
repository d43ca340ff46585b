import { skipLoudly } from '../../../build/test/support/skip-loudly.js';

describe('a suite without what it needs', () => {
  before(function () {
    skipLoudly(this, 'the moon', 'there is no rocket');
  });
  it('is not run', () => {
    throw new Error('it was run');
  });
  it('nor is this', () => {
    throw new Error('it was run');
  });
});

it('passes', () => {});
