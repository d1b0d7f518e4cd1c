// Finds, for each of a few sums, a number whose SHA-256 together with the seed begins with enough zero bits.
// Its own SHA-256 (FIPS 180-4) of a text of one block: the browser's is asynchronous, a promise for every try.
const K = new Int32Array(64);
const BEGIN = new Int32Array(8);

// The constants are the first 32 bits of the fractional parts of the primes' cube and square roots (FIPS 180-4, 4.2.2, 5.3.3).
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
for (let n = 2, found = 0; found < 64; n += 1) {
  let prime = true;
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
  if (!prime) continue;
  if (found < 8) BEGIN[found] = fraction(Math.sqrt(n));
  K[found] = fraction(Math.cbrt(n));
  found += 1;
}

const W = new Int32Array(64);
const block = new Uint8Array(64);
const view = new DataView(block.buffer);
const turned = (x, by) => (x >>> by) | (x << (32 - by));

// The first 32 bits of the hash of the block, whose first `length` bytes are the text.
function firstBits(length) {
  block.fill(0, length);
  block[length] = 0x80;
  view.setUint32(60, length * 8);
  for (let t = 0; t < 16; t += 1) W[t] = view.getInt32(t * 4);
  for (let t = 16; t < 64; t += 1) {
    const x = W[t - 15];
    const y = W[t - 2];
    W[t] = (turned(y, 17) ^ turned(y, 19) ^ (y >>> 10)) + W[t - 7] + (turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)) + W[t - 16];
  }
  let [a, b, c, d, e, f, g, h] = BEGIN;
  for (let t = 0; t < 64; t += 1) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  return (a + BEGIN[0]) >>> 0;
}

function solve(start, bits) {
  for (let at = 0; at < start.length; at += 1) block[at] = start.charCodeAt(at);
  for (let tried = 0; ; tried += 1) {
    const digits = String(tried);
    for (let at = 0; at < digits.length; at += 1) block[start.length + at] = digits.charCodeAt(at);
    if (firstBits(start.length + digits.length) >>> (32 - bits) === 0) return digits;
  }
}

addEventListener("message", ({ data: { seed, sums, bits } }) => {
  const results = Array.from({ length: sums }, (_, at) => solve(`${seed}:${at}:`, bits));
  postMessage(results.join("."));
});
