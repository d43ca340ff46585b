import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { incidents } from 'handback-examples/dist/incidents/incidents.js';
import { labelsOf, outputIn } from 'handback-examples/dist/incidents/stage/docs.js';
import { handback } from '../cli/handback.js';

const page = readFileSync('docs/operations.md', 'utf8');

/** What the page says of one incident. */
function sectionOf(number: number): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${number}. `));
  return section ?? assert.fail(`no section for incident ${number}`);
}

/** The options that stand behind `command` anywhere on the page, and what its help has. */
async function optionsOf(command: string): Promise<{ used: string[]; known: string[] }> {
  const calls = [...page.matchAll(new RegExp(`handback ${command}\\b[^\\n\`|]*`, 'g'))].map(([call]) => call);
  const { stdout } = await handback([command, '--help']);
  const namesIn = (text: string) => [...text.matchAll(/--[a-z]+(-[a-z]+)*/g)].map(([name]) => name);
  return { used: calls.flatMap(namesIn), known: namesIn(stdout) };
}

describe('docs/operations.md', () => {
  for (const { number, title } of incidents) {
    it(`has incident ${number} with its title, its command and its output`, () => {
      const section = sectionOf(number);
      const heading = section.slice(0, section.indexOf('\n')).toLowerCase();
      assert.equal(heading, `${number}. ${title}`.toLowerCase());
      assert.ok(section.includes(`npm run incident -- ${number}\n`));
      const output = outputIn(page, number);
      assert.ok(output.startsWith(`Incident ${number}: ${title}\n`));
      assert.ok(labelsOf(output).length > 0, 'no table');
      assert.match(output, /^\$ npx handback doctor mysql:/m);
      assert.doesNotMatch(output, /Usage:|Try: handback/);
    });

    it(`says nothing in the output of incident ${number} that differs from run to run`, () => {
      const ports = [...outputIn(page, number).matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => port);
      assert.deepEqual(
        ports.filter((port) => port !== '3306' && port !== '3000'),
        [],
      );
      assert.doesNotMatch(outputIn(page, number), /node:\d|pid \d/);
    });
  }

  it('has no incident that no program shows', () => {
    const numbers = [...page.matchAll(/^## (\d+)\. /gm)].map(([, number]) => Number(number));
    assert.deepEqual(
      numbers,
      incidents.map(({ number }) => number),
    );
  });

  it('names a command of this repository', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
    const [, script] = /^node (\S+)$/.exec(scripts.incident) ?? assert.fail('npm run incident is no script');
    assert.ok(existsSync(script as string));
  });

  for (const command of ['doctor', 'plan']) {
    it(`gives handback ${command} only options that it has`, async () => {
      const { used, known } = await optionsOf(command);
      assert.ok(used.length > 0);
      assert.deepEqual(
        used.filter((name) => !known.includes(name)),
        [],
      );
    });
  }

  it('names only options that a pool has', () => {
    const options = readFileSync('docs/options.md', 'utf8');
    const rows = [...page.matchAll(/^\| ((?:`\w+`(?: \([^)]*\))?(?:, )?)+) \|/gm)].map(
      ([, cell]) => cell as string,
    );
    const names = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    assert.ok(names.length >= incidents.length);
    assert.deepEqual(
      names.filter((name) => !options.includes(`\`${name}\``)),
      [],
    );
  });
});
