/** Work that lets nothing else happen in its process: a PDF, an image, a big JSON. */
export function workFor(ms: number): void {
  console.error(AT_WORK);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export const AT_WORK = 'makes a PDF';
