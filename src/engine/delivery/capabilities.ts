/**
 * What a next hop said it can do.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.1.1.1 (EHLO), RFC 1870 (SIZE), RFC 2920, RFC 3030, RFC 3461, RFC 6152, RFC 6531,
 *            RFC 4954 (AUTH), RFC 8689 (REQUIRETLS), RFC 9422 (LIMITS), RFC 2852 (DELIVERBY), RFC 6710 (MT-PRIORITY).
 */

export interface Capabilities {
  readonly hasPipelining: boolean;
  readonly hasChunking: boolean;
  readonly has8BitMime: boolean;
  readonly hasBinaryMime: boolean;
  readonly hasSmtpUtf8: boolean;
  readonly hasDsn: boolean;
  readonly hasStartTls: boolean;
  readonly hasRequireTls: boolean;
  readonly hasSize: boolean;
  /** Bytes; 0 is not known. */
  readonly sizeMax: number;
  /** SASL mechanisms in upper case. */
  /** RFC 2852: the least time it takes a message with, in seconds; absent: it has no DELIVERBY. */
  readonly deliverBySecondsMin?: number;
  /** RFC 6710. */
  readonly hasPriority: boolean;
  readonly auth: readonly string[];
  /** RFC 9422; 0 is not known. */
  readonly mailMax: number;
  readonly rcptMax: number;
}

/** After HELO: nothing but the oldest protocol. */
export const noCapabilities: Capabilities = {
  hasPipelining: false,
  hasChunking: false,
  has8BitMime: false,
  hasBinaryMime: false,
  hasSmtpUtf8: false,
  hasDsn: false,
  hasStartTls: false,
  hasRequireTls: false,
  hasSize: false,
  sizeMax: 0,
  hasPriority: false,
  auth: [],
  mailMax: 0,
  rcptMax: 0,
};

/** `text` is the text of a 250 to EHLO: its first line is the peer's greeting. Unknown words are passed over. */
export function parseCapabilities(text: string): Capabilities {
  const words = new Map<string, readonly string[]>();
  for (const line of text.split('\n').slice(1)) {
    const [keyword = '', ...parameters] = line.trim().toUpperCase().split(/ +/);
    if (keyword !== '') words.set(keyword, parameters);
  }
  const limits = words.get('LIMITS') ?? [];
  const hasChunking = words.has('CHUNKING');
  const deliverBy = words.get('DELIVERBY');
  return {
    hasPipelining: words.has('PIPELINING'),
    hasChunking,
    has8BitMime: words.has('8BITMIME'),
    // RFC 3030 §3: BINARYMIME may only be offered with CHUNKING, and cannot be used without.
    hasBinaryMime: words.has('BINARYMIME') && hasChunking,
    hasSmtpUtf8: words.has('SMTPUTF8'),
    hasDsn: words.has('DSN'),
    hasStartTls: words.has('STARTTLS'),
    hasRequireTls: words.has('REQUIRETLS'),
    hasSize: words.has('SIZE'),
    sizeMax: count(words.get('SIZE')?.[0]),
    ...(deliverBy === undefined ? {} : { deliverBySecondsMin: count(deliverBy[0]) }),
    hasPriority: words.has('MT-PRIORITY'),
    auth: words.get('AUTH') ?? [],
    mailMax: limitOf(limits, 'MAILMAX='),
    rcptMax: limitOf(limits, 'RCPTMAX='),
  };
}

function limitOf(limits: readonly string[], name: string): number {
  return count(limits.find((limit) => limit.startsWith(name))?.slice(name.length));
}

function count(digits: string | undefined): number {
  return digits !== undefined && /^\d{1,15}$/.test(digits) ? Number(digits) : 0;
}

/** The lower of a limit of ours and one the peer may have stated. */
export function lower(ours: number, theirs: number): number {
  return theirs > 0 ? Math.min(ours, theirs) : ours;
}
