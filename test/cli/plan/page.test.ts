import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PLAN_OPTIONS } from '#cli/plan/input.js';
import { handback } from '../handback.js';

const page = resolve(import.meta.dirname, '../../../../docs/plan.md');

describe('docs/plan.md', () => {
  it('shows what the command on it prints', async () => {
    const text = await readFile(page, 'utf8');
    const command = /^npx handback (plan .*)$/m.exec(text)?.[1] ?? '';
    const shown = /<!-- plan:start -->\n```\n([\s\S]*?)```\n<!-- plan:end -->/.exec(text)?.[1];
    const { stdout } = await handback(command.split(' '));
    assert.equal(shown, stdout);
  });

  it('has every option', async () => {
    const text = await readFile(page, 'utf8');
    for (const option of Object.keys(PLAN_OPTIONS)) assert.ok(text.includes(`--${option}`), option);
  });
});
