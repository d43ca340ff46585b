import type { PoolStats } from '@handback/core';
import { SCRIPT, STYLE } from './page-assets.js';
import { ACTIONS, LINKS } from './routes.js';

const GAUGES: Array<keyof PoolStats> = ['leased', 'idle', 'opening', 'pending', 'max'];
const COUNTERS: Array<keyof PoolStats> = ['opened', 'evicted', 'acquired', 'released', 'late', 'rolledBack'];

/** The demo's one page. It shows the pool as it is now; with JavaScript, the numbers go on. */
export function page(framework: string, stats: PoolStats): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Handback on ${framework}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Handback <small>on ${framework}</small></h1>
<p>Each HTTP request gets a MySQL or MariaDB connection on its first query, and hands it back when the response ends.</p>
</header>
<main>
<section aria-labelledby="pool">
<h2 id="pool">The pool</h2>
<div id="slots" aria-hidden="true"></div>
<dl class="gauges">${GAUGES.map((name) => number(name, stats)).join('')}</dl>
<h3>Since it was created</h3>
<dl class="counters">${COUNTERS.map((name) => number(name, stats)).join('')}</dl>
<p id="connection" role="status"></p>
</section>
<section aria-labelledby="routes">
<h2 id="routes">The routes</h2>
<ul>${LINKS.map(link).join('')}${ACTIONS.map(action).join('')}</ul>
<p id="result" role="status"></p>
</section>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function number(name: keyof PoolStats, stats: PoolStats): string {
  const value = name === 'evicted' ? total(stats.evicted) : stats[name];
  return `<div class="${name}"><dt>${name}</dt><dd data-stat="${name}">${value}</dd></div>`;
}

function total(reasons: PoolStats['evicted']): number {
  return Object.values(reasons).reduce((sum, count) => sum + count, 0);
}

function link({ path, text }: (typeof LINKS)[number]): string {
  return `<li><a href="${path}"><code>GET ${path}</code></a><span>${text}</span></li>`;
}

function action({ id, label, route, text }: (typeof ACTIONS)[number]): string {
  return `<li><code>${route}</code><span>${text} <button id="${id}" type="button">${label}</button></span></li>`;
}
