import type { AppLook } from './app-watch.js';
import { clipped, type Paint, sectionLines } from './lines.js';
import { blindSpots, fullness, lostLine, sectionsOf } from './sections.js';
import type { Lost } from './server-watch.js';
import type { View } from './view.js';

/** All that is known now. */
export interface Shown {
  /** The server, for people. */
  readonly label: string;
  /** The last one that there was; undefined before the first. */
  readonly view: View | undefined;
  readonly apps: readonly AppLook[];
  /** The server can't be asked now: the view is old. */
  readonly lost: Lost | undefined;
  /** When the view was taken: 12:03:04. */
  readonly time: string;
  readonly paused: boolean;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What stands above the tables: who is asked, how full it is, what is wrong. */
export function headLines(shown: Shown, width: number, paint: Paint): string[] {
  const { label, view, apps, lost, time, paused } = shown;
  const version = view ? `  ${view.server.version}` : '';
  const lines = [
    paint('bold', clipped(`handback top  ${label}${version}  ${time}${paused ? '  PAUSED' : ''}`, width)),
    view ? clipped(fullness(view.server), width) : '',
  ];
  if (lost)
    lines.push(
      paint(['bold', 'red'], clipped(lostLine(lost) + (view ? '; below is what was seen last' : ''), width)),
    );
  for (const { label: app, error } of apps) {
    if (error !== undefined)
      lines.push(paint('red', clipped(`${app} did not tell of its pools: ${error}`, width)));
  }
  const spots = view ? blindSpots(view, apps.length > 0) : [];
  return [...lines, ...spots.map((spot) => paint('yellow', clipped(spot, width)))];
}

/** The tables, one below the other. */
export function bodyLines({ view, apps }: Shown, width: number, paint: Paint): string[] {
  if (!view) return [];
  return sectionsOf(view, apps.length > 0).flatMap((section) => ['', ...sectionLines(section, width, paint)]);
}

/** One screen of it, from this line of the tables on, and where that is in the end. */
export function frame(shown: Shown, { width, height }: Size, scroll: number, paint: Paint) {
  const head = headLines(shown, width, paint);
  const body = bodyLines(shown, width, paint);
  const room = Math.max(0, height - head.length - 1);
  const from = Math.max(0, Math.min(scroll, body.length - room));
  const visible = body.slice(from, from + room);
  const blank = Array.from({ length: room - visible.length }, () => '');
  const foot = paint('inverse', clipped(footOf(body.length, from, visible.length), width).padEnd(width));
  return { lines: [...head.slice(0, height - 1), ...visible, ...blank, foot], scroll: from, page: room };
}

function footOf(all: number, from: number, shown: number): string {
  const where = all > shown ? `lines ${from + 1}-${from + shown} of ${all}  ` : '';
  return ` q quit  p pause  up/down j k  page b space  g G  ${where}`;
}
