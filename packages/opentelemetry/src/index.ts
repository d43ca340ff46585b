export { collectMetrics, type MetricsOptions } from './metrics.js';
export { type TracesOptions, traceHandback } from './traces.js';
