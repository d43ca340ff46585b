import { readFileSync } from 'node:fs';
import type { Figure } from '../figure.js';
import type { Machine } from './machine.js';

/** The results of a run, as they are kept. */
export interface ResultDocument {
  /** 2026-01-31, UTC. */
  readonly date: string;
  readonly command: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: Machine;
  readonly parts: readonly PartDocument[];
}

export interface PartDocument {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  readonly error?: string;
  readonly figures: readonly Figure[];
  /** SVG files beside the document. */
  readonly plots: readonly { readonly file: string; readonly title: string }[];
}

export function figuresOf({ parts }: Pick<ResultDocument, 'parts'>): Figure[] {
  return parts.flatMap((part) => part.figures);
}

/** JSON knows no NaN, and null would pass for 0: what failed is kept as a word. */
const unknownNumbers: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

export function toJson(document: ResultDocument): string {
  const replacer = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(document, replacer, 1)}\n`;
}

export function fromJson(text: string): ResultDocument {
  return JSON.parse(text, (_, value) =>
    typeof value === 'string' && Object.hasOwn(unknownNumbers, value) ? unknownNumbers[value] : value,
  );
}

export function readDocument(file: string): ResultDocument {
  return fromJson(readFileSync(file, 'utf8'));
}
