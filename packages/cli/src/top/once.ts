import type { Invocation } from '../command.js';
import { CommandError, EXIT } from '../exit-codes.js';
import { bodyLines, headLines, type Shown } from './frame.js';
import type { Looker } from './looker.js';

/** One look, as text or as a document. Rejects with CommandError when the server is lost meanwhile. */
export async function printOnce({ terminal, values }: Invocation, looker: Looker): Promise<number> {
  const shown = await looker.look();
  if (shown.lost) throw new CommandError(shown.lost.error);
  if (values.json) terminal.printJson(document(shown));
  else {
    const width = terminal.isInteractive ? terminal.columns : Number.POSITIVE_INFINITY;
    const paint: Parameters<typeof headLines>[2] = (style, text) => terminal.style(style, text);
    for (const line of [...headLines(shown, width, paint), ...bodyLines(shown, width, paint)])
      terminal.print(line);
  }
  return shown.apps.some(({ error }) => error !== undefined) ? EXIT.failed : EXIT.ok;
}

function document({ label, view, apps }: Shown) {
  return {
    server: { url: label, ...view?.server },
    applications: apps.map(({ label, error }) => ({ url: label, ...(error !== undefined && { error }) })),
    pools: view?.pools,
    holders: view?.routes,
    threads: view?.threads,
    notFound: view?.notFound,
  };
}
