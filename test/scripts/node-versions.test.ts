import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { essentials, otherVersions, versions } from '#scripts/node/versions.mjs';

describe('the versions of Node that continuous integration runs', () => {
  it('are one of each line, from the oldest that the packages allow', () => {
    assert.deepEqual(
      versions.map((version) => version.split('.')[0]),
      ['20', '22', '24'],
    );
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    assert.match(engines.node, /^>=20\./);
  });

  it('are tested besides the one that runs the tests, whatever its line', () => {
    const [twenty, twentyTwo, twentyFour] = versions;
    assert.deepEqual(otherVersions('20.19.0'), [twentyTwo, twentyFour]);
    assert.deepEqual(otherVersions('24.0.0'), [twenty, twentyTwo]);
    assert.deepEqual(otherVersions('26.1.0'), versions);
  });

  it('with tests that exist', () => {
    assert.deepEqual(
      essentials.filter((path) => !existsSync(path)),
      [],
    );
  });
});
