/**
 * Where a packed value ends: to read one field of a row without unpacking those before it.
 *
 * Runs in:   every thread; pure; hot.
 * Specs:     the msgpack format.
 * Limits:    no recursion, whatever is nested; an end past the bytes' own is given as it is and for the caller to see.
 */

/** Octets that follow the heads 0xc4 to 0xdf, where their number is fixed; -1: a length follows. */
const fixedBytes = [
  ...[-1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8],
  ...[2, 3, 5, 9, 17, -1, -1, -1, -1, -1, -1, -1],
] as const;
/** Octets of the length behind the heads of `fixedBytes` that have one; and of those, what the length counts. */
const lengthBytes: Readonly<Record<number, 1 | 2 | 4>> = {
  ...{ 196: 1, 197: 2, 198: 4, 199: 1, 200: 2, 201: 4 },
  ...{ 217: 1, 218: 2, 219: 4, 220: 2, 221: 4, 222: 2, 223: 4 },
};

/** `at` is where the value begins. */
export function packedEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  let owed = 1;
  while (owed > 0 && end < bytes.length) {
    owed--;
    const head = bytes[end++]!;
    if (head < 0x80 || head >= 0xe0 || (head >= 0xc0 && head <= 0xc3)) continue;
    if (head < 0x90) owed += 2 * (head & 15);
    else if (head < 0xa0) owed += head & 15;
    else if (head < 0xc0) end += head & 31;
    else {
      const fixed = fixedBytes[head - 0xc4]!;
      if (fixed >= 0) {
        end += fixed;
        continue;
      }
      const width = lengthBytes[head]!;
      let length = 0;
      for (let i = 0; i < width; i++) length = length * 256 + (bytes[end + i] ?? 0);
      end += width;
      if (head >= 0xde) owed += 2 * length;
      else if (head >= 0xdc) owed += length;
      // The type of an extension stands between its length and its octets.
      else end += length + (head >= 0xc7 && head <= 0xc9 ? 1 : 0);
    }
  }
  return end;
}
