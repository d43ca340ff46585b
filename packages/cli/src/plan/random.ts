import { createCipheriv, createHash } from 'node:crypto';

const BLOCK = 32_768;
const ZEROS = Buffer.alloc(BLOCK);
const STEPS = 2 ** 32;

/** Numbers in (0, 1), the same for the same seed on every machine: the key stream of AES in counter mode. */
export function randomNumbers(seed: number): () => number {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  let block = ZEROS;
  let at = BLOCK;
  return () => {
    if (at === BLOCK) {
      block = cipher.update(ZEROS);
      at = 0;
    }
    const drawn = block.readUInt32LE(at);
    at += 4;
    return (drawn + 0.5) / STEPS;
  };
}

export function exponential(random: () => number, mean: number): number {
  return -mean * Math.log(random());
}
