import assert from 'node:assert/strict';
import { GrantedSchemas } from '#core/grants.js';
import { SchemaReach } from '#core/schema-reach.js';

function covers(schema: string, ...grants: string[]): boolean {
  return new GrantedSchemas(grants, 'TRIGGER').covers(schema);
}

const USAGE = "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*175E'";

const VISIBLE: [grants: string[], schema: string][] = [
  [['GRANT ALL PRIVILEGES ON *.* TO `u`@`%` WITH GRANT OPTION'], 'app'],
  [["GRANT ALL PRIVILEGES ON *.* TO 'u'@'%'"], 'app'],
  [['GRANT SELECT, INSERT, EVENT, TRIGGER, CREATE ROLE ON *.* TO `u`@`%`'], 'app'],
  [[USAGE, 'GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%`'], 'app'],
  [[USAGE, 'GRANT SELECT, TRIGGER ON `app`.* TO `u`@`%`'], 'app'],
  [[USAGE, 'GRANT TRIGGER ON "app".* TO "u"@"%"'], 'app'],
  [[USAGE, 'GRANT TRIGGER ON app.* TO u@`%`'], 'app'],
  [['GRANT TRIGGER ON `my\\_app`.* TO `u`@`%`'], 'my_app'],
  [['GRANT TRIGGER ON `my_app`.* TO `u`@`%`'], 'my_app'],
  [['GRANT TRIGGER ON `a_p`.* TO `u`@`%`'], 'app'],
  [['GRANT TRIGGER ON `app\\_%`.* TO `u`@`%`'], 'app_7'],
  [['GRANT TRIGGER ON `a``b`.* TO `u`@`%`'], 'a`b'],
  [['GRANT TRIGGER ON `a.(b)`.* TO `u`@`%`'], 'a.(b)'],
  [['GRANT `r` TO `u`@`%`', USAGE, 'GRANT USAGE ON *.* TO `r`', 'GRANT TRIGGER ON `app`.* TO `r`'], 'app'],
  [['GRANT SELECT ON `app`.* TO `u`@`%`', 'GRANT TRIGGER ON `app`.* TO `r`'], 'app'],
  [['GRANT SELECT ON `app`.* TO `u`@`%`', 'GRANT TRIGGER ON `a%`.* TO PUBLIC'], 'app'],
  [['GRANT SELECT ON `app`.* TO `u`@`%`', 'GRANT TRIGGER ON *.* TO `u`@`%`'], 'app'],
];

const HIDDEN: [grants: string[], schema: string][] = [
  [[], 'app'],
  [[USAGE], 'app'],
  [[USAGE, 'GRANT SELECT, INSERT, UPDATE, DELETE ON `app`.* TO `u`@`%`'], 'app'],
  [[USAGE, 'GRANT TRIGGER ON `app`.`t` TO `u`@`%`'], 'app'],
  [['GRANT TRIGGER ON `other`.* TO `u`@`%`'], 'app'],
  [['GRANT TRIGGER ON `app\\_%`.* TO `u`@`%`'], 'appx7'],
  [['GRANT TRIGGER ON `a.p`.* TO `u`@`%`'], 'app'],
  [['GRANT TRIGGER ON `ap`.* TO `u`@`%`'], 'app'],
  [['GRANT TRIGGER ON `APP`.* TO `u`@`%`'], 'app'],
  [['GRANT SELECT ON `app`.* TO `u`@`%`', 'GRANT ALL PRIVILEGES ON `a%`.* TO `u`@`%`'], 'app'],
  [['GRANT ALL PRIVILEGES ON *.* TO `u`@`%`', 'REVOKE TRIGGER ON `app`.* FROM `u`@`%`'], 'app'],
  [['GRANT `trigger`@`%` TO `u`@`%`'], 'app'],
  [['GRANT SHOW VIEW ON *.* TO `TRIGGER`@`%`'], 'app'],
];

describe('which schemas’ triggers the account can see', () => {
  for (const [grants, schema] of VISIBLE) {
    it(`those of ${schema}: ${grants.join('; ')}`, () => assert.equal(covers(schema, ...grants), true));
  }

  for (const [grants, schema] of HIDDEN) {
    it(`not those of ${schema}: ${grants.join('; ') || 'no grants'}`, () =>
      assert.equal(covers(schema, ...grants), false));
  }

  it('any one of several privileges will do', () => {
    const grants = ['GRANT SELECT, DELETE ON `app`.* TO `u`@`%`', 'GRANT SELECT ON `other`.* TO `u`@`%`'];
    const sight = new GrantedSchemas(grants, 'INSERT', 'DELETE');
    assert.deepEqual([sight.covers('app'), sight.covers('other')], [true, false]);
  });
});

describe('triggers that the account can not see', () => {
  const rows = {
    triggers: [],
    views: [],
    schemas: ['app', 'other', 'seen'],
    grants: ['GRANT SELECT, INSERT ON `app`.* TO `u`@`%`', 'GRANT TRIGGER ON `seen`.* TO `u`@`%`'],
    defaultSchema: 'app',
    sqlMode: '',
  };

  it('in the default schema make every write suspect, no read', () => {
    const found = SchemaReach.from(rows);
    assert.ok(found.reached('UPDATE t SET a = 1', false, false));
    assert.equal(found.reached('SELECT * FROM t', true, false), null);
  });

  it('in the default schema are told to the operator', () => {
    assert.match(
      String(SchemaReach.from(rows).blind),
      /^the account can't see triggers of `app` \(no TRIGGER privilege\), so every write costs a reset; grant TRIGGER/,
    );
  });

  it('in another schema make the writes that name it suspect', () => {
    for (const defaultSchema of ['seen', null]) {
      const found = SchemaReach.from({ ...rows, defaultSchema });
      assert.equal(found.blind, null);
      assert.equal(found.reached('UPDATE t SET a = 1', false, false), null);
      assert.equal(found.reached('UPDATE seen.t SET a = 1', false, false), null);
      assert.ok(found.reached('UPDATE other.t SET a = 1', false, false));
      assert.ok(found.reached('UPDATE ?? SET a = 1', false, true));
      assert.equal(found.reached('SELECT * FROM other.t', true, false), null);
    }
  });

  it('do not exist where the server shows them to whoever may write', () => {
    const found = SchemaReach.from({ ...rows, writersSeeTriggers: true });
    assert.equal(found.blind, null);
    assert.equal(found.reached('UPDATE other.t SET a = 1', false, false), null);
  });
});
