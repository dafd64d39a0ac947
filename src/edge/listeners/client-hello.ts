/**
 * What a client asks for before TLS begins: the server's name, and the protocols it would speak.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8446 §4.1.2, §5.1 (records, the hello may come in several); RFC 6066 §3 (names); RFC 7301 §3.1 (ALPN).
 * Limits:    `helloBytesMax`.
 */

const helloBytesMax = 16_384;
const handshakeRecord = 22;
const clientHello = 1;
const extensions = { serverName: 0, protocols: 16 } as const;

export interface ClientHello {
  /** Lower case; "" where none is asked for. */
  readonly serverName: string;
  readonly protocols: readonly string[];
}

/** `more`: it is not whole yet. `bad`: it is none. */
export function parseClientHello(octets: Buffer): ClientHello | 'more' | 'bad' {
  const message = messageIn(octets);
  if (typeof message === 'string') return message;
  try {
    return readHello(message);
  } catch (error) {
    // A length points past the end.
    if (error instanceof RangeError) return 'bad';
    throw error;
  }
}

/** The handshake message, out of its records. */
function messageIn(octets: Buffer): Buffer | 'more' | 'bad' {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let at = 0; at < octets.length; ) {
    if (octets[at] !== handshakeRecord) return 'bad';
    if (octets.length < at + 5) break;
    const length = octets.readUInt16BE(at + 3);
    if (length === 0) return 'bad';
    const part = octets.subarray(at + 5, at + 5 + length);
    parts.push(part);
    bytes += part.length;
    at += 5 + length;
  }
  const whole = Buffer.concat(parts);
  if (bytes > 0 && whole[0] !== clientHello) return 'bad';
  const wanted = bytes < 4 ? Number.POSITIVE_INFINITY : 4 + whole.readUIntBE(1, 3);
  if (bytes >= wanted) return whole.subarray(4, wanted);
  const isTooLong = octets.length >= helloBytesMax || (bytes >= 4 && wanted > helloBytesMax);
  return isTooLong ? 'bad' : 'more';
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  skip(length: number): void {
    this.#at += length;
  }

  number(length: number): number {
    const value = this.#bytes.readUIntBE(this.#at, length);
    this.#at += length;
    return value;
  }

  /** What follows a length of `lengthBytes` octets. */
  vector(lengthBytes: number): Buffer {
    const length = this.number(lengthBytes);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('a vector is cut off');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}

function readHello(message: Buffer): ClientHello {
  const reader = new Reader(message);
  // Version and random.
  reader.skip(34);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  let serverName = '';
  const protocols: string[] = [];
  if (reader.isAtEnd) return { serverName, protocols };
  const list = new Reader(reader.vector(2));
  while (!list.isAtEnd) {
    const type = list.number(2);
    const body = new Reader(list.vector(2));
    if (type === extensions.serverName) serverName = hostNameIn(body);
    if (type !== extensions.protocols) continue;
    const names = new Reader(body.vector(2));
    while (!names.isAtEnd) protocols.push(names.vector(1).toString('latin1'));
  }
  return { serverName, protocols };
}

function hostNameIn(body: Reader): string {
  const names = new Reader(body.vector(2));
  while (!names.isAtEnd) {
    const isHost = names.number(1) === 0;
    const name = names.vector(2).toString('latin1');
    if (isHost) return name.toLowerCase();
  }
  return '';
}
