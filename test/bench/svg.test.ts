import assert from 'node:assert/strict';
import { axisOver } from '#bench/report/axis.js';
import type { Plot } from '#bench/report/plot.js';
import { svgOf } from '#bench/report/svg.js';

describe('npm run bench: plots', () => {
  const plot = (given: Partial<Plot> = {}): Plot => ({
    file: 'some',
    title: 'Some <plot> & "more"',
    x: { label: 'waiters', log: true },
    y: { label: 'ns' },
    series: [
      {
        name: 'Handback',
        points: [
          [1, 5],
          [10, 6],
          [100, Number.NaN],
          [1_000, 7],
          [10_000, 8],
        ],
      },
      {
        name: 'peer & <co>',
        points: [
          [1, 50],
          [0, 3],
        ],
      },
    ],
    ...given,
  });

  it('is well-formed, whatever texts and values it is given', () => {
    for (const svg of [
      svgOf(plot()),
      svgOf(plot({ series: [] })),
      svgOf(plot({ y: { label: 'ns', log: true } })),
    ]) {
      assertWellFormed(svg);
      assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    }
  });

  it('interrupts a line where a value is missing, and leaves out what a logarithmic axis has no place for', () => {
    const svg = svgOf(plot());
    assert.equal(svg.match(/<polyline class="line s0"/g)?.length, 2);
    assert.equal(svg.match(/class="dot s0"/g)?.length, 4 + 1); // and one in the legend
    assert.equal(svg.match(/class="dot s1"/g)?.length, 1 + 1);
  });

  it('says so when there is nothing to show', () => {
    const svg = svgOf(plot({ series: [{ name: 'Handback', points: [[1, Number.NaN]] }] }));
    assert.match(svg, /nothing could be measured/);
    assert.doesNotMatch(svgOf(plot()), /nothing could be measured/);
  });

  it('has colours for a light and for a dark page', () => {
    assert.match(svgOf(plot()), /@media \(prefers-color-scheme:dark\)\{\s*text\{fill:/);
  });

  it('names every series in its legend', () => {
    const names = Array.from({ length: 11 }, (_, i) => `series ${i}`);
    const svg = svgOf(plot({ series: names.map((name) => ({ name, points: [[1, 1]] })) }));
    for (const name of names) assert.ok(svg.includes(`>${name}</text>`), name);
  });

  it('puts round marks on a linear axis, from 0', () => {
    const axis = axisOver([0.3, 0.95], {});
    assert.deepEqual(
      axis.ticks.map(({ label }) => label),
      ['0', '0.2', '0.4', '0.6', '0.8', '1'],
    );
    assert.equal(axis.at(0.5), 0.5);
  });

  it('puts powers of ten on a logarithmic axis, at equal distances', () => {
    const axis = axisOver([1, 1_000, 100_000], { log: true });
    const labels = axis.ticks.map(({ label }) => label).filter(Boolean);
    assert.deepEqual(labels, ['1', '10', '100', '1000', '10k', '100k']);
    assert.ok(Math.abs(axis.at(1_000) - 0.6) < 1e-9);
    assert.ok(Number.isNaN(axis.at(0)));
  });

  it('has an axis for a single value', () => {
    for (const log of [true, false]) {
      const axis = axisOver([7], { log });
      assert.ok(axis.at(7) >= 0 && axis.at(7) <= 1);
      assert.ok(axis.ticks.length >= 2);
    }
  });
});

/** Every element is closed in its order, and texts hold no bare < or &. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, content = '', closing, name = '', attributes = '', selfClosing] of svg.matchAll(
    /([^<]*)<(\/?)([a-z]+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    assert.doesNotMatch(content + attributes, /&(?!(amp|lt|gt|quot);)/);
    if (closing) assert.equal(open.pop(), name);
    else if (!selfClosing) open.push(name);
  }
  assert.deepEqual(open, []);
  const withoutTags = svg.replaceAll(/<\/?[a-z]+((?:\s[\w:-]+="[^"<]*")*)\s*\/?>/g, '');
  assert.doesNotMatch(withoutTags, /</);
}
