import { exponential } from './random.js';

/** Draws times with this mean and coefficient of variation. */
export function holdTimes(random: () => number, mean: number, cv: number): () => number {
  if (cv === 0) return () => mean;
  if (cv < 1) return regular(random, mean, cv);
  if (cv === 1) return () => exponential(random, mean);
  return uneven(random, mean, cv);
}

/** Sums of k - 1 or k exponential pieces: the mixture that has both the mean and the spread. */
function regular(random: () => number, mean: number, cv: number): () => number {
  const square = cv * cv;
  const most = Math.ceil(1 / square);
  const fewer = (most * square - Math.sqrt(most * (1 + square) - most * most * square)) / (1 + square);
  const piece = mean / (most - fewer);
  return () => {
    const pieces = random() < fewer ? most - 1 : most;
    let product = 1;
    let time = 0;
    for (let n = 0; n < pieces; n++) {
      product *= random();
      if (product > 1e-200) continue;
      time -= Math.log(product);
      product = 1;
    }
    return piece * (time - Math.log(product));
  };
}

/** Many short and few long exponential times, each kind with half of the time in all. */
function uneven(random: () => number, mean: number, cv: number): () => number {
  const square = cv * cv;
  const short = (1 + Math.sqrt((square - 1) / (square + 1))) / 2;
  return () => {
    const share = random() < short ? short : 1 - short;
    return exponential(random, mean / (2 * share));
  };
}
