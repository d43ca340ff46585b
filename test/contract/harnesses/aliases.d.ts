// The older majors are installed under an alias, for which no types exist; the parts used here have not changed.
declare module 'express4' {
  export { default } from 'express';
}
declare module 'koa2' {
  export { default } from 'koa';
}
