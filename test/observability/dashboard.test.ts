import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createPool } from '@handback/core';
import { collectMetrics } from '@handback/prometheus';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { Registry } from 'prom-client';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const dashboard: Dashboard = createRequire(import.meta.url)('@handback/prometheus/grafana/handback.json');
const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

/** Grafana puts a duration there. */
const asSent = (expr: string) => expr.replaceAll('$__rate_interval', '5m');

interface Used {
  readonly metric: string;
  readonly labels: string[];
}

/** The grammar is that of Prometheus's own editor. */
function usesOf(expr: string): { metrics: Used[]; grouped: string[] } {
  const text = asSent(expr);
  const read = ({ from, to }: { from: number; to: number }) => text.slice(from, to);
  const metrics: Used[] = [];
  const grouped: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, node, from }) => {
      assert.ok(!type.isError, `no PromQL at ${from}: ${text}`);
      if (type.name === 'VectorSelector') metrics.push(selected(node, read));
      if (type.name === 'GroupingLabels') grouped.push(...node.getChildren('LabelName').map(read));
    },
  });
  return { metrics, grouped };
}

function selected(node: SyntaxNode, read: (range: { from: number; to: number }) => string): Used {
  const name = node.getChild('Identifier') ?? assert.fail('a selector without a name');
  const labels: string[] = [];
  node.cursor().iterate(({ type, node: inner }) => {
    if (type.name === 'LabelName') labels.push(read(inner));
  });
  return { metric: read(name), labels };
}

/** Names of series, as a scrape has them, with their labels. */
async function exported(): Promise<Map<string, Set<string>>> {
  const register = new Registry();
  const pool = createPool({ connection: {} });
  const stop = collectMetrics(pool, { register });
  const series = new Map<string, Set<string>>();
  for (const metric of register.getMetricsAsArray() as unknown as { name: string; labelNames: string[] }[]) {
    series.set(metric.name, new Set(metric.labelNames));
  }
  for (const { name, type } of await register.getMetricsAsJSON()) {
    if (String(type) !== 'histogram') continue;
    const labels = series.get(name) ?? assert.fail(name);
    series.delete(name);
    series.set(`${name}_bucket`, new Set([...labels, 'le']));
    series.set(`${name}_sum`, labels);
    series.set(`${name}_count`, labels);
  }
  stop();
  await pool.close();
  return series;
}

/** What Prometheus adds to each series it scrapes. */
const ADDED = ['instance', 'job'];

describe('the Grafana dashboard', () => {
  it('asks for metrics and labels that are exported, in PromQL', async () => {
    const series = await exported();
    assert.ok(expressions.length > 30);
    for (const { title, expr, legendFormat } of expressions) {
      const { metrics, grouped } = usesOf(expr);
      assert.ok(metrics.length > 0, `${title} asks for something`);
      for (const { metric, labels } of metrics) {
        const known = series.get(metric) ?? assert.fail(`${title}: nothing exports ${metric}`);
        for (const label of [...labels, ...grouped])
          assert.ok(known.has(label) || ADDED.includes(label), `${title}: ${metric} has no label ${label}`);
      }
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(
          grouped.includes(label),
          `${title}: its legend shows ${label}, by which nothing is grouped`,
        );
    }
  });

  it('shows every metric that is exported', async () => {
    const shown = new Set(
      expressions.flatMap(({ expr }) => usesOf(expr).metrics.map(({ metric }) => metric)),
    );
    const plain = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
    const shownNames = new Set([...shown].map(plain));
    for (const name of (await exported()).keys())
      assert.ok(shownNames.has(plain(name)), `${name} is in no panel`);
  });

  it('fills its variables from metrics that are exported', async () => {
    const series = await exported();
    const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
    assert.equal(definitions.length, 2);
    for (const definition of definitions) {
      const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
      const [used] = usesOf(selector).metrics;
      const known = series.get(used?.metric ?? '') ?? assert.fail(definition);
      for (const each of [label, ...(used?.labels ?? [])])
        assert.ok(known.has(each) || ADDED.includes(each), each);
    }
    const names = new Set(['__rate_interval', ...dashboard.templating.list.map(({ name }) => name)]);
    for (const { expr } of expressions)
      for (const [, name = ''] of expr.matchAll(/\$(\w+)/g))
        assert.ok(names.has(name), `$${name} in ${expr}`);
  });

  it('has panels that do not overlap, each with its own id', () => {
    const { panels } = dashboard;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const [n, { title, gridPos: a }] of panels.entries()) {
      assert.ok(a.x + a.w <= 24, title);
      for (const { title: other, gridPos: b } of panels.slice(n + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        assert.ok(apart, `${title} and ${other}`);
      }
    }
  });
});
