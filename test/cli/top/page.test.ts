import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { top } from '#cli/top/command.js';

const page = resolve(import.meta.dirname, '../../../../docs/top.md');

describe('docs/top.md', () => {
  it('has every option', async () => {
    const text = await readFile(page, 'utf8');
    for (const option of Object.keys(top.options)) assert.ok(text.includes(`--${option}`), option);
  });
});
