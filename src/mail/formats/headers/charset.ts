/**
 * Bytes of a named charset as text.
 *
 * Runs in:   every thread; pure, but for decoders kept per label.
 * Specs:     RFC 2046 §4.1.2, WHATWG Encoding (labels), RFC 2152 (UTF-7).
 * Limits:    `decodersMax` decoders are kept.
 * Invariant: never throws: an unknown charset is read as UTF-8 where it is, else as Windows-1252.
 */

type Decoder = InstanceType<typeof TextDecoder>;

const decodersMax = 64;
const decoders = new Map<string, Decoder>();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const windows1252 = new TextDecoder('windows-1252');

export function decodeCharset(bytes: Uint8Array, label: string): string {
  const name = label.trim().toLowerCase();
  // What calls itself ASCII is often something else: the guess reads ASCII as ASCII too.
  if (name === '' || name === 'us-ascii' || name === 'ascii') return decodeUnlabelled(bytes);
  if (name === 'utf-7' || name === 'unicode-1-1-utf-7') return decodeUtf7(bytes);
  const decoder = decoderFor(name);
  return decoder === undefined ? decodeUnlabelled(bytes) : decoder.decode(bytes);
}

/** UTF-8 where the bytes are that, else Windows-1252, as old mailers meant them. */
export function decodeUnlabelled(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return windows1252.decode(bytes);
  }
}

function decoderFor(name: string): Decoder | undefined {
  const known = decoders.get(name);
  if (known !== undefined) return known;
  try {
    const decoder = new TextDecoder(name);
    if (decoders.size < decodersMax) decoders.set(name, decoder);
    return decoder;
  } catch {
    return undefined;
  }
}

const shifted = /\+([A-Za-z0-9+/]*)-?/g;

/** RFC 2152: `+` opens base64 of UTF-16BE, `+-` is a plus sign. */
function decodeUtf7(bytes: Uint8Array): string {
  return windows1252.decode(bytes).replace(shifted, (_, digits: string) => {
    if (digits === '') return '+';
    const units = Buffer.from(digits, 'base64');
    let text = '';
    for (let at = 0; at + 1 < units.length; at += 2) {
      text += String.fromCharCode(units.readUInt16BE(at));
    }
    return text.toWellFormed();
  });
}
