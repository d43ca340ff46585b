import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');

describe('docs/writing-an-adapter.md', () => {
  const page = read('docs/writing-an-adapter.md');

  for (const file of ['adapter.ts', 'harness.ts']) {
    it(`shows ${file} as it is tested here`, () => {
      assert.ok(
        page.includes(`\`\`\`ts\n${read(`test/adapter/${file}`)}\`\`\`\n`),
        `test/adapter/${file} was changed: put it into the page again`,
      );
    });
  }

  it('links only to what is there', () => {
    const targets = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => path);
    assert.ok(targets.length > 0);
    for (const path of targets) assert.ok(existsSync(resolve(root, 'docs', path)), path);
  });
});
