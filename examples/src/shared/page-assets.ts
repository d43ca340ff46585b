/** What the page needs comes with the page: nothing is loaded from elsewhere. */
export const STYLE = `
:root {
  --ink: #1c2330; --soft: #566074; --paper: #f6f7f9; --card: #fff; --line: #dfe3ea;
  --accent: #0b63b8; --leased: #c2570c; --idle: #1f7a4d; --opening: #8a5cd6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ef; --soft: #a3adbf; --paper: #12161d; --card: #1b212b; --line: #313a49;
    --accent: #7cbcff; --leased: #ff9d57; --idle: #5fd39b; --opening: #b99aff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 68rem;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
}
h1 { margin: 0; font-size: 2rem; letter-spacing: -.02em; }
h1 small { font-weight: 400; color: var(--soft); }
header p { margin: .25rem 0 1.5rem; max-width: 46rem; color: var(--soft); }
main { display: grid; gap: 1.25rem; }
@media (min-width: 56rem) { main { grid-template-columns: 5fr 7fr; align-items: start; } }
section { padding: 1.25rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
h2 { margin: 0 0 .75rem; font-size: 1.15rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: .875rem; font-weight: 600; color: var(--soft); }
dl { display: grid; gap: .5rem; margin: 0; grid-template-columns: repeat(5, 1fr); }
.counters { grid-template-columns: repeat(3, 1fr); }
dt { font-size: .8125rem; color: var(--soft); }
dd { margin: 0; font-variant-numeric: tabular-nums; font-size: 1.15rem; font-weight: 600; }
.gauges dd { font-size: 1.75rem; line-height: 1.2; }
.leased dd { color: var(--leased); }
.idle dd { color: var(--idle); }
.opening dd { color: var(--opening); }
#slots { display: flex; gap: .25rem; margin-bottom: 1rem; min-height: 1.25rem; }
#slots i { flex: 1; height: 1.25rem; border-radius: .25rem; border: 1px solid var(--line); }
#slots .leased { background: var(--leased); border-color: transparent; }
#slots .idle { background: var(--idle); border-color: transparent; }
#slots .opening { background: var(--opening); border-color: transparent; }
ul { margin: 0; padding: 0; list-style: none; }
li { display: grid; gap: 0 1rem; padding: .5rem 0; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; padding-top: 0; }
@media (min-width: 36rem) { li { grid-template-columns: 13rem 1fr; align-items: baseline; } }
li span { color: var(--soft); }
a { color: var(--accent); }
code { font: .875rem ui-monospace, monospace; }
button {
  margin-left: .5rem; padding: .1rem .6rem; font: inherit; font-size: .9375rem; color: var(--accent);
  border: 1px solid; border-radius: .4rem; background: none; cursor: pointer;
}
button:hover { background: color-mix(in srgb, var(--accent) 12%, transparent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[role=status] { margin: .75rem 0 0; font-size: .9375rem; color: var(--soft); }
[role=status]:empty { display: none; }
`;

export const SCRIPT = `
const byId = (id) => document.getElementById(id);
const POLL_MS = 500;

function show(stats) {
  const evicted = Object.values(stats.evicted).reduce((sum, count) => sum + count, 0);
  for (const cell of document.querySelectorAll('[data-stat]')) {
    const value = { ...stats, evicted }[cell.dataset.stat];
    if (cell.textContent !== String(value)) cell.textContent = value;
  }
  const states = ['leased', 'idle', 'opening'].flatMap((state) => Array(stats[state]).fill(state));
  byId('slots').replaceChildren(...Array.from({ length: stats.max }, (_, slot) =>
    Object.assign(document.createElement('i'), { className: states[slot] || '' })));
}

// A screen reader hears that the server is gone, and that it is back; not every number.
function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

async function poll() {
  try {
    if (!document.hidden) show((await (await fetch('/stats')).json()).stats);
    say('connection', '');
  } catch {
    say('connection', 'The server does not answer; these numbers are old.');
  }
  setTimeout(poll, POLL_MS);
}

byId('transfer').addEventListener('click', async () => {
  const response = await fetch('/transfers', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ from: 1, to: 2, amount: 10 }),
  }).catch(() => undefined);
  say('result', response ? response.status + ' ' + (await response.text()) : 'No answer.');
});

byId('hold').addEventListener('click', async () => {
  say('result', 'Holding four connections …');
  const answers = await Promise.allSettled(Array.from({ length: 4 }, (_, i) => fetch('/slow?ms=2000&n=' + i)));
  const fine = answers.filter(({ value }) => value && value.ok).length;
  say('result', fine + ' of four answered; their connections are back.');
});

poll();
`;
