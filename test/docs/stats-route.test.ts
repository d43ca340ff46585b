import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createPool } from '@handback/core';
import { statsOf } from 'handback-examples/dist/shared/stats.js';

describe('the route /stats', () => {
  for (const page of ['doctor', 'top', 'operations']) {
    it(`is in docs/${page}.md as the examples have it`, async () => {
      const pool = createPool('mysql://nobody@127.0.0.1:1/none');
      const [, block = ''] =
        /^app\.get\('\/stats'(.+?)^```/ms.exec(readFileSync(`docs/${page}.md`, 'utf8')) ?? [];
      const names = [...block.matchAll(/^ +(\w+): /gm)].map(([, name]) => name);
      assert.deepEqual(names, Object.keys(statsOf(pool)));
      await pool.close();
    });
  }
});
