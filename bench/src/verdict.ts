import { isMet } from './figure.js';
import { figuresOf, type ResultDocument } from './report/document.js';

/** 1 where something broke, and with `check` where a target is missed; else 0. */
export function exitCodeOf(document: Pick<ResultDocument, 'parts'>, check: boolean): number {
  const figures = figuresOf(document);
  const broken = document.parts.some(({ error }) => error !== undefined);
  const unmeasured = figures.some(({ handback }) => Number.isNaN(handback));
  const missed = check && !figures.every(isMet);
  return broken || unmeasured || missed ? 1 : 0;
}
