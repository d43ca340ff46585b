import assert from 'node:assert/strict';
import type { Survey } from '#core/driver.js';
import { Knowledge } from '#core/knowledge.js';
import { readSql } from '#core/sql.js';
import { FakeClock } from './fake-clock.js';

const SURVEY: Survey = { facts: null, reach: { blind: null, reached: () => null } };

function reached(knowledge: Knowledge): boolean {
  return knowledge.reached('SELECT 1', readSql('SELECT 1')) !== null;
}

describe('what is seen of the schema while it changes', () => {
  it('counts when nothing happened meanwhile', () => {
    const knowledge = new Knowledge(new FakeClock(), false);
    knowledge.looking()(SURVEY);
    assert.deepEqual([reached(knowledge), knowledge.isStale], [false, false]);
  });

  it('is looked at again when a connection was lost meanwhile', () => {
    const knowledge = new Knowledge(new FakeClock(), false);
    const learn = knowledge.looking();
    knowledge.doubt();
    learn(SURVEY);
    assert.deepEqual([reached(knowledge), knowledge.isStale], [false, true]);
  });

  it('does not count at all when one of our statements changed the schema meanwhile', () => {
    const knowledge = new Knowledge(new FakeClock(), false);
    const learn = knowledge.looking();
    knowledge.schemaChanged();
    learn(SURVEY);
    assert.deepEqual([reached(knowledge), knowledge.isStale], [true, true]);
  });
});
