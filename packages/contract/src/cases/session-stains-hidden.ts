import {
  audited,
  auditedView,
  type Carrier,
  calling,
  carriers,
  hiddenStains,
  others,
  outerView,
  procedures,
  rows,
} from './session-objects.js';
import type { Stain } from './session-stains.js';

// The text of the statement says nothing of what it does to the session.

const byKind: Stain[] = hiddenStains.flatMap(({ name, look }, index) => {
  const { table, view, function: fn, procedure } = carriers[index] as Carrier;
  return [
    { name: `${name}, set in a trigger`, dirty: [`INSERT INTO ${table} VALUES (1)`], look: [look] },
    { name: `${name}, set by a view's function`, dirty: [`SELECT n FROM ${view}`], look: [look] },
    { name: `${name}, set in a function`, dirty: [`SELECT ${fn}()`], look: [look] },
    { name: `${name}, set in a procedure`, dirty: [`CALL ${procedure}()`], look: [look] },
  ];
});

const [{ table, view, function: fn }] = carriers as [Carrier];
const BY_SET = ['SELECT @by_set'];
const DELETED = [
  `DELETE FROM ${audited} WHERE id = 2`,
  `INSERT INTO ${audited} VALUES (2, 0)`,
  `DELETE FROM ${audited} WHERE id = 2`,
];

const byWay: Stain[] = [
  {
    name: 'a trigger that UPDATE fires',
    dirty: [`UPDATE ${audited} SET n = n + 1 WHERE id = 1`],
    look: ['SELECT @by_update'],
  },
  { name: 'a trigger that DELETE fires', dirty: DELETED, look: ['SELECT @by_delete'] },
  {
    name: 'a trigger that INSERT ... ON DUPLICATE KEY UPDATE fires',
    dirty: [`INSERT INTO ${audited} VALUES (1, 0) ON DUPLICATE KEY UPDATE n = n + 1`],
    look: ['SELECT @by_update'],
  },
  {
    name: 'a trigger that REPLACE fires',
    dirty: [`REPLACE INTO ${audited} VALUES (1, 0)`],
    look: ['SELECT @by_delete'],
  },
  {
    name: 'a trigger that INSERT ... SELECT fires',
    dirty: [`INSERT INTO ${table} SELECT n FROM ${rows}`],
    look: BY_SET,
  },
  {
    name: 'a trigger behind an updatable view',
    dirty: [`UPDATE ${auditedView} SET n = n + 1 WHERE id = 1`],
    look: ['SELECT @by_update'],
  },
  {
    name: 'a trigger of the second table of an UPDATE',
    dirty: [`UPDATE ${rows} r JOIN ${audited} a ON a.id = r.n SET a.n = a.n + 1`],
    look: ['SELECT @by_update'],
  },
  {
    name: 'a trigger that calls a function',
    dirty: [`INSERT INTO ${calling} VALUES (0)`],
    look: BY_SET,
  },
  { name: 'a view over a view over a function', dirty: [`SELECT n FROM ${outerView}`], look: BY_SET },
  {
    name: 'a view in a subquery',
    dirty: [`SELECT n FROM ${rows} WHERE n IN (SELECT n FROM ${view})`],
    look: BY_SET,
  },
  {
    name: 'a view in the SELECT of an INSERT',
    dirty: [`INSERT INTO ${others} SELECT n FROM ${view}`, `DELETE FROM ${others}`],
    look: BY_SET,
  },
  {
    name: 'a function in the WHERE of an UPDATE',
    dirty: [`UPDATE ${rows} SET n = n WHERE n = ${fn}()`],
    look: BY_SET,
  },
  {
    name: 'a transaction that a procedure began',
    dirty: [`CALL ${procedures.transaction}()`],
    look: ['SELECT @@in_transaction'],
    moments: ['first', 'second'],
  },
  {
    name: 'a temporary table that a procedure made',
    dirty: [`CALL ${procedures.temporaryTable}()`],
    look: ['SELECT COUNT(*) FROM scratch'],
  },
  {
    name: 'a statement that a procedure prepared',
    dirty: [`CALL ${procedures.prepare}()`],
    look: ['EXECUTE left_behind'],
    textOnly: true,
  },
  {
    name: 'a role that a procedure took on',
    dirty: [`CALL ${procedures.role}()`],
    look: ['SELECT CURRENT_ROLE()'],
  },
];

export const hiddenSessionStains: Stain[] = [...byKind, ...byWay];
