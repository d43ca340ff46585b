import assert from 'node:assert/strict';
import { SchemaReach, type SchemaRows } from '#core/schema-reach.js';

const ALL = 'GRANT ALL PRIVILEGES ON *.* TO `app`@`%` WITH GRANT OPTION';

function reach(rows: Partial<SchemaRows> = {}): SchemaReach {
  return SchemaReach.from({
    triggers: [],
    views: [],
    schemas: ['app', 'other'],
    grants: [ALL],
    defaultSchema: 'app',
    sqlMode: 'STRICT_TRANS_TABLES',
    ...rows,
  });
}

function view(name: string, definition: string) {
  return { schema: 'app', name, definition };
}

function trigger(table: string) {
  return { schema: 'app', table };
}

const reads = (found: SchemaReach, sql: string) => found.reached(sql, true, false) !== null;
const writes = (found: SchemaReach, sql: string) => found.reached(sql, false, false) !== null;

describe('what stored code a plain statement may reach', () => {
  it('anything, before anybody has looked', () => {
    assert.ok(reads(SchemaReach.unknown, 'SELECT 1'));
    assert.equal(SchemaReach.unknown.blind, null);
  });

  it('nothing in a schema without triggers and views', () => {
    const found = reach();
    assert.equal(reads(found, 'SELECT * FROM t'), false);
    assert.equal(writes(found, 'UPDATE t SET a = 1'), false);
    assert.equal(found.reached('UPDATE ?? SET a = 1', false, true), null);
    assert.equal(found.blind, null);
  });

  it('a trigger by a write that names its table, not by a read', () => {
    const found = reach({ triggers: [trigger('orders')] });
    assert.ok(writes(found, 'INSERT INTO orders VALUES (1)'));
    assert.equal(reads(found, 'SELECT * FROM orders'), false);
    assert.equal(writes(found, 'INSERT INTO orders2 VALUES (1)'), false);
    assert.equal(writes(found, 'INSERT INTO my_orders VALUES ($orders)'), false);
  });

  it('says the name and what it is', () => {
    const found = reach({ triggers: [trigger('orders')] });
    assert.equal(
      found.reached('DELETE FROM orders', false, false),
      'it names `orders`, a table with triggers',
    );
  });

  for (const sql of [
    'INSERT INTO ORDERS VALUES (1)',
    'INSERT INTO`orders`VALUES (1)',
    'INSERT INTO "orders" VALUES (1)',
    'INSERT INTO app.orders VALUES (1)',
    'INSERT INTO app . `Orders`(a) VALUES (1)',
    'UPDATE t,orders SET t.a = 1',
    'UPDATE (orders) SET a = 1',
    'UPDATE\u00a0orders SET a = 1',
    'UPDATE order\u017f SET a = 1',
    'UPDATE stoc\u212a SET a = 1',
  ]) {
    it(`however it is written: ${sql}`, () => {
      assert.ok(writes(reach({ triggers: [trigger('orders'), trigger('stock')] }), sql));
    });
  }

  it('a placeholder for a name may mean anything that is there', () => {
    const found = reach({ triggers: [trigger('orders')] });
    assert.ok(found.reached('UPDATE ?? SET a = 1', false, true));
    assert.equal(found.reached('SELECT * FROM ??', true, true), null);
    const withView = reach({ views: [view('v', 'select `f`() AS `f`')] });
    assert.ok(withView.reached('SELECT * FROM ??', true, true));
  });

  it('a name with a space, a hyphen or a letter beyond ASCII is found anywhere in the text', () => {
    const found = reach({
      triggers: [trigger('my orders'), trigger('a-b'), trigger('größe'), trigger('οδος')],
    });
    for (const name of ['my orders', 'MY ORDERS', 'a-b', 'GRÖSSE', 'Größe', 'ΟΔΟΣ']) {
      assert.ok(writes(found, `UPDATE \`${name}\` SET a = 1`), name);
    }
    assert.equal(writes(found, 'UPDATE orders SET a = 1'), false);
  });

  it('a name with a quote makes every statement suspect', () => {
    for (const quote of ["'", '"', '`']) {
      assert.ok(writes(reach({ triggers: [trigger(`a${quote}b`)] }), 'UPDATE t SET a = 1'), quote);
    }
  });

  it('the schemas that nobody looks into, when they are named', () => {
    const found = reach();
    for (const sql of ['SELECT * FROM sys.processlist', 'SELECT * FROM `SYS` . version']) {
      assert.ok(reads(found, sql), sql);
    }
    assert.equal(reads(found, 'SELECT * FROM sysadmins, my_sys'), false);
    assert.ok(
      reads(reach({ views: [view('v', 'select `x`.`a` AS `a` from `sys`.`x`')] }), 'SELECT * FROM v'),
    );
    assert.ok(reads(reach({ views: [view('v', 'select `f`() AS `f`')] }), 'SELECT * FROM sys.x'));
    assert.ok(reads(reach({ defaultSchema: 'sys' }), 'SELECT * FROM processlist'));
  });

  it('everything in sql_mode ORACLE', () => {
    assert.ok(reads(reach({ sqlMode: 'PIPES_AS_CONCAT,ORACLE,NO_KEY_OPTIONS' }), 'SELECT 1'));
    assert.equal(reads(reach({ sqlMode: 'ANSI_QUOTES' }), 'SELECT 1'), false);
  });

  it('a text of megabytes counts as reaching what there is, unread', () => {
    const long = `INSERT INTO t VALUES ('${'a '.repeat(1_000_000)}')`;
    assert.ok(writes(reach({ triggers: [trigger('orders')] }), long));
    assert.equal(writes(reach(), long), false);
  });

  it('remembers a text for reads and for writes apart', () => {
    const found = reach({ triggers: [trigger('v')], views: [view('w', 'select `f`() AS `f`')] });
    for (let n = 0; n < 2; n++) {
      assert.deepEqual([writes(found, '/* v */'), reads(found, '/* v */')], [true, false]);
      assert.deepEqual([writes(found, '/* w */'), reads(found, '/* w */')], [true, true]);
    }
  });

  it('thousands of different texts are answered like the first', () => {
    const found = reach({ triggers: [trigger('orders')] });
    for (let n = 0; n < 2_500; n++) {
      assert.deepEqual(
        [writes(found, `DELETE FROM orders WHERE id = ${n}`), writes(found, `DELETE FROM t${n}`)],
        [true, false],
      );
    }
  });
});

/** As a server gives them. */
const HARMLESS: Record<string, string> = {
  'a join': 'select `a`.`id` AS `id` from (`app`.`t` `a` left join `app`.`t` `b` on(`a`.`id` = `b`.`id`))',
  'an alias that looks like a call': 'select `app`.`t`.`a` AS `total(net)` from `app`.`t`',
  'a literal that looks like a call': "select concat(`app`.`t`.`a`,' f(x) @y') AS `c` from `app`.`t`",
  'a recursive CTE with columns':
    'with recursive r(`a`,`b`) as (select 1 AS `a`,2 AS `b` union all select `r`.`a` + 1 AS `a+1`,`r`.`b` AS `b` from `r`)select `r`.`a` AS `a` from `r`',
  'a CTE': 'with x as (select 1 AS `a`)select `x`.`a` AS `a` from `x`',
  values: 'values (1),(2)',
  'the tables of the server': 'select `t`.`TABLE_NAME` AS `n` from `information_schema`.`tables` `t`',
};

const CALLING: Record<string, string> = {
  'a stored function': 'select `f`() AS `f`',
  'a stored function of another schema': 'select `other`.`f`(1) AS `f`',
  'a stored function with the name of a built-in one': 'select `left`() AS `f`',
  'a stored function with a quote in its name': 'select `a``b`(1) AS `f`',
  'a stored function between literals with quotes in them': "select '`' AS `a`,`f`() AS `f`,'`' AS `b`",
  'a stored function after a literal that ends in a backslash':
    "select 'a\\' AS `x`,`f`() AS `f`,' b' AS `y`",
  'a loaded function': 'select my_udf(1) AS `f`',
  'a lock': "select get_lock('a',0) AS `f`",
  'a sequence': 'select nextval(`app`.`s`) AS `n`',
};

describe('a view', () => {
  for (const [what, definition] of Object.entries(HARMLESS)) {
    it(`is harmless with ${what}`, () => {
      const found = reach({ views: [view('v', definition)] });
      assert.equal(found.reached('SELECT * FROM v', true, false), null);
      assert.equal(found.reached('UPDATE v SET a = 1', false, false), null);
    });
  }

  for (const [what, definition] of Object.entries(CALLING)) {
    it(`is not with ${what}, for reads and for writes`, () => {
      const found = reach({ views: [view('v', definition)] });
      assert.ok(reads(found, 'SELECT * FROM v'));
      assert.ok(writes(found, 'INSERT INTO t SELECT * FROM v'));
      assert.equal(reads(found, 'SELECT * FROM t'), false);
    });
  }

  it('is not when its definition is hidden', () => {
    assert.equal(
      reach({ views: [view('v', '')] }).reached('SELECT * FROM v', true, false),
      'it names `v`, a view whose definition the account can not see',
    );
  });

  it('is not over one that is not, however many lie between and whatever their order', () => {
    const over = (name: string, below: string) =>
      view(name, `select \`app\`.\`${below}\`.\`a\` AS \`a\` from \`app\`.\`${below}\``);
    const views = [over('v4', 'v3'), over('v2', 'v1'), over('v3', 'v2'), over('cold', 't')];
    const found = reach({ views: [...views, view('v1', 'select `f`() AS `a`')] });
    assert.ok(reads(found, 'SELECT * FROM v4'));
    assert.equal(reads(found, 'SELECT * FROM cold'), false);
    const withTrigger = reach({ views: [...views, over('v1', 'orders')], triggers: [trigger('orders')] });
    assert.ok(writes(withTrigger, 'UPDATE v4 SET a = 1'));
    assert.equal(writes(withTrigger, 'UPDATE cold SET a = 1'), false);
    assert.equal(reads(withTrigger, 'SELECT * FROM v4'), false);
  });

  it('over a schema that the account may only read is harmless to read', () => {
    const found = reach({
      grants: ['GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%`', 'GRANT SELECT ON `other`.* TO `u`@`%`'],
      views: [view('v', 'select `other`.`t`.`a` AS `a` from `other`.`t`')],
    });
    assert.deepEqual([reads(found, 'SELECT * FROM v'), writes(found, 'UPDATE v SET a = 1')], [false, true]);
  });

  it('over a schema whose triggers only writers see is harmless to write to for those who are', () => {
    for (const [privilege, hot] of [
      ['SELECT', true],
      ['SELECT, INSERT', false],
      ['SELECT, UPDATE', false],
      ['SELECT, DELETE', false],
    ] as const) {
      const found = reach({
        writersSeeTriggers: true,
        grants: [
          'GRANT SELECT, INSERT ON `app`.* TO `u`@`%`',
          `GRANT ${privilege} ON \`other\`.* TO \`u\`@\`%\``,
        ],
        views: [view('v', 'select `other`.`t`.`a` AS `a` from `other`.`t`')],
      });
      assert.equal(writes(found, 'UPDATE v SET a = 1'), hot, privilege);
    }
  });

  it('over its own schema is harmless with EXTRACT and TRIM, but not for what stands after them', () => {
    const grants = ['GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%`'];
    const calls =
      "select extract(year from `p`.`d`) AS `y`,trim(both 'x' from `p`.`n`) AS `t`,trim(leading 'x' from `p`.`n`) AS `l`";
    const own = reach({ grants, views: [view('v', `${calls} from \`app\`.\`p\``)] });
    const other = reach({ grants, views: [view('v', `${calls} from \`hidden\`.\`p\``)] });
    const within = reach({
      grants,
      views: [view('v', 'select extract(year from (select `p`.`d` AS `d` from `hidden`.`p`)) AS `y`')],
    });
    const alias = reach({ grants, views: [view('v', 'select 1 AS `trim(both` from `hidden`.`p`')] });
    const found = [own, other, within, alias].map((each) => reads(each, 'SELECT * FROM v'));
    assert.deepEqual(found, [false, true, true, true]);
  });

  it('over a schema that the account can not see is not harmless', () => {
    const found = reach({
      grants: ['GRANT ALL PRIVILEGES ON `app`.* TO `app`@`%`'],
      schemas: ['app'],
      views: [
        view('v', 'select `hidden`.`t`.`a` AS `a` from `hidden`.`t`'),
        view('j', 'select `a`.`a` AS `a` from (((`app`.`t` `a` join `hidden`.`t` `b`)))'),
        view('p', 'select `a`.`a` AS `a` from ((`hidden`.`t` `a` join `app`.`t` `b`))'),
        view('server', 'select `t`.`TABLE_NAME` AS `n` from `information_schema`.`tables` `t`'),
        view('own', 'select `app`.`t`.`a` AS `a` from (`app`.`t`)'),
      ],
    });
    assert.ok(writes(found, 'UPDATE v SET a = 1'));
    assert.ok(writes(found, 'UPDATE j SET a = 1'));
    assert.ok(writes(found, 'UPDATE p SET a = 1'));
    for (const name of ['v', 'j', 'p']) assert.ok(reads(found, `SELECT * FROM ${name}`), name);
    assert.equal(reads(found, 'SELECT * FROM server, own'), false);
    assert.equal(writes(found, 'UPDATE own SET a = 1'), false);
    assert.equal(writes(found, 'INSERT INTO t SELECT * FROM server'), false);
  });
});
