/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const ROUNDS = rootsOf(64, Math.cbrt);
const START = rootsOf(8, Math.sqrt);

/**
 * SHA-256 of a text's UTF-8, in hexadecimal. For names and marks, which are short: loading `node:crypto` for one of them takes
 * longer than most of what a command does.
 *
 * @example
 * sha256("abc"); // "ba7816bf…"
 */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text);
  // The text, one bit that is set, noughts, and its length in bits, in blocks of 64 bytes.
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const hash = Uint32Array.from(START);
  for (let at = 0; at < padded.length; at += 64) compress(hash, view, at);
  return [...hash].map((word) => word.toString(16).padStart(8, "0")).join("");
}

function compress(hash: Uint32Array, view: DataView, at: number): void {
  const words = new Uint32Array(64);
  const word = (i: number) => words[i] as number;
  for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const before = word(i - 15);
    const after = word(i - 2);
    words[i] =
      word(i - 16) +
      (turned(before, 7) ^ turned(before, 18) ^ (before >>> 3)) +
      word(i - 7) +
      (turned(after, 17) ^ turned(after, 19) ^ (after >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const chosen = (e & f) ^ (~e & g);
    const most = (a & b) ^ (a & c) ^ (b & c);
    const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + chosen + (ROUNDS[i] as number) + word(i)) | 0;
    const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) hash[i] = (hash[i] as number) + value;
}

function turned(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function rootsOf(count: number, root: (of: number) => number): readonly number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32));
}
