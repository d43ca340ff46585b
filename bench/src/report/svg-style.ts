export interface SeriesStyle {
  readonly light: string;
  readonly dark: string;
  readonly shape: 'circle' | 'square' | 'diamond';
  readonly dash: string;
}

/** Told apart by everybody, colour-blind or not: in lightness as well, and by the shape of their points. */
const colours: readonly (readonly [light: string, dark: string])[] = [
  ['#0060b0', '#5cb8ff'],
  ['#c04a00', '#ff9a4d'],
  ['#007a55', '#3fd9a4'],
  ['#a8327d', '#f58ac8'],
  ['#7a6a00', '#e6d44a'],
  ['#5b3fb5', '#b5a1ff'],
  ['#00788a', '#4fd5e8'],
  ['#6b6b6b', '#bdbdbd'],
];
const shapes = ['circle', 'square', 'diamond'] as const;
const dashes = ['', '6 3', '2 3', '10 3 2 3'];

/** The first series is drawn thicker and whole: it is what the plot is about. */
export function seriesStyle(index: number): SeriesStyle {
  const [light, dark] = colours[index % colours.length] as readonly [string, string];
  const shape = shapes[index % shapes.length] as SeriesStyle['shape'];
  return { light, dark, shape, dash: dashes[Math.floor(index / colours.length) % dashes.length] as string };
}

export function styleSheet(series: number): string {
  const all = Array.from({ length: series }, (_, index) => seriesStyle(index));
  const colour = (index: number, value: string) =>
    `.line.s${index}{stroke:${value}}.dot.s${index}{fill:${value}}`;
  const dash = ({ dash: value }: SeriesStyle, index: number) =>
    value ? `.line.s${index}{stroke-dasharray:${value}}` : '';
  return [
    '<style>',
    'text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2328}',
    '.page{fill:#ffffff}.title{font-size:16px;font-weight:600}.tick{font-size:12px}',
    '.middle{text-anchor:middle}.end{text-anchor:end}',
    '.grid{stroke:#d8dde3;stroke-width:1}.line{fill:none;stroke-width:1.8}.line.s0{stroke-width:3}',
    ...all.map(({ light }, index) => colour(index, light)),
    ...all.map(dash).filter(Boolean),
    '@media (prefers-color-scheme:dark){',
    'text{fill:#e6edf3}.page{fill:#0d1117}.grid{stroke:#30363d}',
    ...all.map(({ dark }, index) => colour(index, dark)),
    '}',
    '</style>',
  ].join('\n');
}
