import { tracingChannel } from 'node:diagnostics_channel';
import type { LeaseFacts, TraceMessage, TraceMessages } from '@handback/core';
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { ofAcquire, ofError, ofQuery, ofReset, ofTransaction, operationOf } from './attributes.js';
import { SCOPE } from './scope.js';

export interface TracesOptions {
  /** @default the global one */
  tracerProvider?: TracerProvider;
  /** Of what spans are made. @default all of them */
  spans?: readonly SpanName[];
  /** Whether spans of queries have the statement's text, with `?` in the place of every literal. @default true */
  statements?: boolean;
}

export type SpanName = 'acquire' | 'query' | 'transaction' | 'reset';

interface Kind<Name extends SpanName> {
  readonly kind: SpanKind;
  title(message: TraceMessages[Name]): string;
  /** Samplers are to see what the conventions name for that. */
  readonly early?: boolean;
  /** Read when it has ended, and all is known. */
  attributes(message: TraceMessages[Name]): Attributes;
}

const NAMES: readonly SpanName[] = ['acquire', 'query', 'transaction', 'reset'];

/**
 * Makes spans of what all pools of the process do, from now on: children of the span that is active where it is asked for. A reset,
 * which nobody asks for, is a child of the one in which its lease was acquired.
 *
 * @returns what ends it; spans that are open then end when what they are about does
 */
export function traceHandback(options: TracesOptions = {}): () => void {
  const { tracerProvider = trace.getTracerProvider(), spans = NAMES, statements = true } = options;
  const tracer = tracerProvider.getTracer(SCOPE.name, SCOPE.version);
  const kinds: { [Name in SpanName]: Kind<Name> } = {
    acquire: { kind: SpanKind.INTERNAL, title: () => 'acquire connection', attributes: ofAcquire },
    query: {
      kind: SpanKind.CLIENT,
      early: true,
      title: titleOfQuery,
      attributes: (message) => ofQuery(message, statements),
    },
    transaction: { kind: SpanKind.INTERNAL, title: () => 'transaction', attributes: ofTransaction },
    reset: { kind: SpanKind.INTERNAL, title: () => 'reset connection', attributes: ofReset },
  };
  const origins = new WeakMap<LeaseFacts, Context>();
  const stops = spans.includes('reset') ? [followOrigins(origins)] : [];
  const parentOf = (name: SpanName, { holder }: TraceMessage) =>
    name === 'reset' ? holder && origins.get(holder) : context.active();
  for (const name of spans) stops.push(follow(name, kinds[name] as Kind<SpanName>, tracer, parentOf));
  return () => {
    for (const stop of stops) stop();
  };
}

/** `SELECT shop`, as the conventions have it. */
function titleOfQuery({ statement, database }: TraceMessages['query']): string {
  return [operationOf(statement) ?? 'query', database].filter(Boolean).join(' ');
}

/** Where each lease was asked for, for what comes when it is over. */
function followOrigins(origins: WeakMap<LeaseFacts, Context>): () => void {
  const { start } = tracingChannel('handback:acquire');
  const note = (message: unknown) => {
    origins.set((message as TraceMessages['acquire']).holder, context.active());
  };
  start.subscribe(note);
  return () => void start.unsubscribe(note);
}

function follow<Name extends SpanName>(
  name: Name,
  { kind, title, early, attributes }: Kind<Name>,
  tracer: Tracer,
  parentOf: (name: SpanName, message: TraceMessage) => Context | undefined,
): () => void {
  const { start, asyncEnd } = tracingChannel(`handback:${name}`);
  const begun = new WeakMap<object, Span>();
  let open = 0;
  let stopped = false;
  const begin = (given: unknown) => {
    const message = given as TraceMessages[Name];
    const parent = parentOf(name, message);
    if (!parent) return;
    const options = { kind, attributes: early ? known(attributes(message)) : {} };
    begun.set(message, tracer.startSpan(title(message), options, parent));
    open++;
  };
  const end = (given: unknown) => {
    const message = given as TraceMessages[Name];
    const span = begun.get(message);
    if (!span) return;
    begun.delete(message);
    span.setAttributes(known(attributes(message)));
    if (message.error !== undefined) {
      span.setAttributes(known(ofError(message.error)));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
    open--;
    if (stopped) rest();
  };
  // A span that never ends is never exported: those that are open are waited for.
  const rest = () => {
    if (open === 0) asyncEnd.unsubscribe(end);
  };
  start.subscribe(begin);
  asyncEnd.subscribe(end);
  return () => {
    stopped = true;
    start.unsubscribe(begin);
    rest();
  };
}

function known(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
