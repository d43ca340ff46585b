import { type Axis, axisOver } from './axis.js';
import type { Plot, Series } from './plot.js';
import { seriesStyle, styleSheet } from './svg-style.js';

const frame = { left: 76, right: 24, top: 52, bottom: 56, width: 820, plotHeight: 340 };
const legend = { columns: 2, lineHeight: 22, top: 18 };
const plotWidth = frame.width - frame.left - frame.right;

/** A drawing of lines over two axes, readable on a light and on a dark page. */
export function svgOf(plot: Plot): string {
  const points = plot.series.flatMap((one) => one.points);
  const x = axisOver(
    points.map(([value]) => value),
    plot.x,
  );
  const y = axisOver(
    points.map(([, value]) => value),
    plot.y,
  );
  const height = heightOf(plot.series.length);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${frame.width} ${height}" width="${frame.width}" height="${height}" role="img" aria-label="${escapeText(plot.title)}">`,
    `<title>${escapeText(plot.title)}</title>`,
    styleSheet(plot.series.length),
    `<rect class="page" width="${frame.width}" height="${height}"/>`,
    text(frame.left, 30, plot.title, 'title'),
    ...verticalMarks(x),
    ...horizontalMarks(y),
    text(frame.left + plotWidth / 2, bottom() + 42, plot.x.label, 'label middle'),
    rotatedText(20, frame.top + frame.plotHeight / 2, plot.y.label),
    ...(x.ticks.length === 0 || y.ticks.length === 0 ? [nothingToShow()] : []),
    ...plot.series.flatMap((series, i) => drawn(series, i, x, y)),
    ...plot.series.map((series, i) => legendEntry(series, i)),
    '</svg>',
    '',
  ].join('\n');
}

function heightOf(series: number): number {
  return bottom() + frame.bottom + legend.top + Math.ceil(series / legend.columns) * legend.lineHeight;
}

function bottom(): number {
  return frame.top + frame.plotHeight;
}

function toX(axis: Axis, value: number): number {
  return frame.left + axis.at(value) * plotWidth;
}

function toY(axis: Axis, value: number): number {
  return bottom() - axis.at(value) * frame.plotHeight;
}

function verticalMarks(axis: Axis): string[] {
  return axis.ticks.flatMap(({ value, label }) => {
    const x = toX(axis, value);
    return [
      line([x, frame.top], [x, bottom()], 'grid'),
      ...(label ? [text(x, bottom() + 20, label, 'tick middle')] : []),
    ];
  });
}

function horizontalMarks(axis: Axis): string[] {
  return axis.ticks.flatMap(({ value, label }) => {
    const y = toY(axis, value);
    const right = frame.left + plotWidth;
    return [
      line([frame.left, y], [right, y], 'grid'),
      ...(label ? [text(frame.left - 8, y + 4, label, 'tick end')] : []),
    ];
  });
}

function drawn({ points }: Series, index: number, x: Axis, y: Axis): string[] {
  const places = points.map(([a, b]): Place => [toX(x, a), toY(y, b)]);
  const runs = withoutGaps(places);
  const lines = runs
    .filter((run) => run.length > 1)
    .map(
      (run) =>
        `<polyline class="line s${index}" points="${run.map(([a, b]) => `${fixed(a)},${fixed(b)}`).join(' ')}"/>`,
    );
  return [...lines, ...runs.flat().map((place) => marker(place, index))];
}

type Place = readonly [x: number, y: number];

/** A point that can't be shown interrupts the line. */
function withoutGaps(places: readonly Place[]): Place[][] {
  const runs: Place[][] = [[]];
  for (const place of places) {
    if (place.every(Number.isFinite)) runs.at(-1)?.push(place);
    else runs.push([]);
  }
  return runs;
}

function legendEntry({ name }: Series, index: number): string {
  const column = index % legend.columns;
  const x = frame.left + column * (plotWidth / legend.columns);
  const y = bottom() + frame.bottom + legend.top + Math.floor(index / legend.columns) * legend.lineHeight;
  const sample = line([x, y - 4], [x + 28, y - 4], `line s${index}`);
  return `${sample}${marker([x + 14, y - 4], index)}${text(x + 36, y, name, 'label')}`;
}

function marker([x, y]: Place, index: number): string {
  const size = 4;
  const { shape } = seriesStyle(index);
  if (shape === 'circle')
    return `<circle class="dot s${index}" cx="${fixed(x)}" cy="${fixed(y)}" r="${size}"/>`;
  const turn = shape === 'diamond' ? ` transform="rotate(45 ${fixed(x)} ${fixed(y)})"` : '';
  const side = size * 1.8;
  return `<rect class="dot s${index}" x="${fixed(x - side / 2)}" y="${fixed(y - side / 2)}" width="${fixed(side)}" height="${fixed(side)}"${turn}/>`;
}

function nothingToShow(): string {
  return text(
    frame.left + plotWidth / 2,
    frame.top + frame.plotHeight / 2,
    'nothing could be measured',
    'label middle',
  );
}

function line([x1, y1]: Place, [x2, y2]: Place, kind: string): string {
  return `<line class="${kind}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`;
}

function text(x: number, y: number, content: string, kind: string): string {
  return `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}">${escapeText(content)}</text>`;
}

function rotatedText(x: number, y: number, content: string): string {
  return `<text class="label middle" transform="translate(${fixed(x)} ${fixed(y)}) rotate(-90)">${escapeText(content)}</text>`;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

export function escapeText(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
