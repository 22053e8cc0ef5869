// Shows that a browser sends a form, and asks nothing of its person: ALTCHA's proof of work over SHA-256 (FIPS 180-4).
// In slices between which typing goes on. No worker and no WebCrypto: another site's policy, or plain http, may have none.
const prove = (() => {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((one) => n % one)) primes.push(n);
  const fraction = (root) => (root % 1) * 2 ** 32;
  const K = Int32Array.from(primes, (one) => fraction(Math.cbrt(one)));
  const H = Int32Array.from(primes.slice(0, 8), (one) => fraction(Math.sqrt(one)));
  const w = new Int32Array(64), key = new Int32Array(8);
  const turned = (x, by) => x >>> by | x << 32 - by;
  const hash = () => {
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turned(x, 7) ^ turned(x, 18) ^ x >>> 3) + (turned(y, 17) ^ turned(y, 19) ^ y >>> 10);
    }
    let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (let i = 0; i < 64; i++) {
      const t = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
      const u = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + t | 0; d = c; c = b; b = a; a = t + u | 0;
    }
    key.set([a, b, c, d, e, f, g, h]);
    for (let i = 0; i < 8; i++) key[i] += H[i];
  };
  const words = (hex) => hex.match(/.{8}/g).map((one) => parseInt(one, 16));
  const solve = (challenge) => new Promise((done) => {
    const { salt, nonce, keyPrefix } = challenge.parameters, [first, second] = Int32Array.from(words(keyPrefix));
    let counter = 0;
    const slice = () => {
      const end = performance.now() + 8;
      w.set([...words(salt), ...words(nonce), 0, 1 << 31, 0, 0, 0, 0, 0, 288]); // 36 octets and their padding
      do {
        w[8] = counter;
        hash();
        if (key[0] === first && key[1] === second) {
          const derivedKey = Array.from(key, (one) => (one >>> 0).toString(16).padStart(8, "0")).join("");
          return done(btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } })));
        }
      } while (++counter % 64 || performance.now() < end);
      setTimeout(slice);
    };
    slice();
  });
  return async (url) => {
    const { challenge } = await (await fetch(url, { credentials: "omit", signal: AbortSignal.timeout?.(8000) })).json();
    const notTooSoon = new Promise((done) => setTimeout(done, 1050));
    const proof = await solve(challenge);
    await notTooSoon;
    return proof;
  };
})();
