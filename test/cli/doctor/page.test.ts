import { strict as assert } from 'node:assert';
import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { doctor } from '#cli/doctor/command.js';
import { handback } from '../handback.js';
import { Clinic } from './clinic.js';

const root = resolve(import.meta.dirname, '../../../..');
const page = () => readFile(resolve(root, 'docs/doctor.md'), 'utf8');

async function idsInTheCode(): Promise<string[]> {
  const folder = resolve(root, 'packages/cli/src/doctor');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'));
  const sources = await Promise.all(files.map((file) => readFile(resolve(folder, file), 'utf8')));
  const ids = sources.flatMap((source) =>
    [...source.matchAll(/\bid: '([a-z-]+)'/g)].map(([, id]) => id as string),
  );
  return [...new Set(ids)].toSorted();
}

describe('docs/doctor.md', () => {
  it('has every finding and every option, and no others', async () => {
    const text = await page();
    const rows = text.split('\n').filter((line) => line.startsWith('| `'));
    const cells = rows.map((row) => row.split('|')[1] ?? '');
    const ids = cells.flatMap((cell) =>
      [...cell.matchAll(/`([a-z][a-z-]+)`/g)].map(([, id]) => id as string),
    );
    assert.deepEqual(ids.toSorted(), await idsInTheCode());
    const options = new Set([...text.matchAll(/--([a-z][a-z-]+)/g)].map(([, option]) => option as string));
    assert.deepEqual([...options].toSorted(), [...Object.keys(doctor.options), 'json'].toSorted());
  });

  it('shows what is printed', async function () {
    const clinic = await Clinic.open(this, '--max-connections=1600');
    try {
      const text = await page();
      const command = /^npx handback doctor \S+ (--processes .*)$/m.exec(text)?.[1] ?? '';
      const shown = /<!-- budget:start -->\n```\n([\s\S]*?)```\n<!-- budget:end -->/.exec(text)?.[1];
      const { stdout } = await handback(['doctor', clinic.url(), ...command.split(' '), '--sample', '0']);
      const printed = /^critical .*\n(?: .*\n)*/m.exec(stdout)?.[0];
      assert.equal(shown, printed);
    } finally {
      await clinic.close();
    }
  });
});
