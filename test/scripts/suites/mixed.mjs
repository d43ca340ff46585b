import { strict as assert } from 'node:assert';

describe('a suite', () => {
  it('passes', () => {});
  it('passes again', () => {});
  it('fails', () => assert.equal(1, 2));
  it.skip('is skipped', () => {});
});
