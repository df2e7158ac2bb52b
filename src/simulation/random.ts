import { hash } from "node:crypto";

/** Chance that can be had again: the same seed gives the same numbers. */
export interface Random {
  /** A number from 0 up to, and without, 1: 32 random bits of it. */
  fraction(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True in that share of the cases. */
  happens(probability: number): boolean;
}

/**
 * sfc32, "small fast counting", by Chris Doty-Humphrey (PractRand 0.95, `sfc32`): three words of 32 bits that are mixed chaotically
 * and a counter that makes every period at least 2^32 long. The seed is hashed (SHA-256), so that seeds that look alike, as those
 * of neighbouring hosts do, give streams that have nothing in common.
 */
export function createRandom(seed: string): Random {
  const words = hash("sha256", seed, "buffer");
  const next = sfc32({ low: words.readUInt32LE(0), high: words.readUInt32LE(4) });
  const fraction = () => next() / 4_294_967_296;
  return {
    fraction,
    between: (from, to) => from + Math.floor(fraction() * (to - from + 1)),
    happens: (probability) => fraction() < probability, // never at 0, always at 1
  };
}

const roundsOfSeeding = 12; // as PractRand does, until every word depends on every bit of the seed

/** The generator alone, seeded with 64 bits as PractRand seeds it: each call gives the next 32 bits. */
export function sfc32({ low, high }: { low: number; high: number }): () => number {
  let a = 0;
  let b = low | 0;
  let c = high | 0;
  let counter = 1;
  const next = () => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let round = 0; round < roundsOfSeeding; round += 1) next();
  return next;
}
