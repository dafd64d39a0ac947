/**
 * Finds the fields of a message's header: offsets only, nothing is copied or decoded.
 *
 * Runs in:   engine threads (hot path: once per message), the edge and tests; pure.
 * Specs:     RFC 5322 §2.2 and §4.5 (obsolete white space before the colon), RFC 6532.
 * Limits:    `HeaderLimits`; a scan that meets one stops there with a fault.
 * Invariant: fields lie side by side from the start to `headerEnd`; only an empty line ends the header, so a
 *            line that is no field is kept as a field without a name.
 */

export interface HeaderLimits {
  /** All of the header, the empty line not counted. */
  readonly headerBytesMax: number;
  readonly fieldsMax: number;
  /** One line, its line break not counted. RFC 5322 §2.1.1 says 998; much mail says more. */
  readonly lineBytesMax: number;
}

const headerLimits: HeaderLimits = {
  headerBytesMax: 262_144,
  fieldsMax: 2_000,
  lineBytesMax: 65_536,
};

export type HeaderFault = 'header-too-large' | 'fields-too-many' | 'line-too-long';

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;
const colon = 58;
/** name start, name end, value start, raw end. */
const offsetsPerField = 4;

/**
 * The offsets of one header. An instance may be used again: `scan` forgets what it held before.
 * It keeps a reference to the bytes of its last scan.
 */
export class HeaderScan {
  bytes: Uint8Array = new Uint8Array(0);
  /** Number of fields found. */
  count = 0;
  /** Where the first field starts. */
  headerStart = 0;
  /** After the last field's line break: where the empty line starts, or the end of the bytes. */
  headerEnd = 0;
  /** After the empty line; equal to `headerEnd` where there is none. */
  bodyStart = 0;
  fault: HeaderFault | undefined;
  /** An array, not an Int32Array: scans that are kept are many and small. */
  readonly #offsets: number[] = [];

  /** Scans from `from` up to `to`. False when a limit was met; `fault` then says which. */
  scan(
    bytes: Uint8Array,
    limits: HeaderLimits = headerLimits,
    from = 0,
    to = bytes.length,
  ): boolean {
    this.bytes = bytes;
    this.count = 0;
    this.headerStart = from;
    this.fault = undefined;
    const { headerBytesMax, fieldsMax, lineBytesMax } = limits;
    const stop = to - from > headerBytesMax ? from + headerBytesMax + 2 : to;
    const offsets = this.#offsets;
    let count = 0;
    let at = from;
    while (at < stop) {
      const first = bytes[at]!;
      if (first === lineFeed) return this.#end(count, at, at + 1);
      if (first === carriageReturn && at + 1 < stop && bytes[at + 1] === lineFeed) {
        return this.#end(count, at, at + 2);
      }
      if (count === fieldsMax) return this.#fail('fields-too-many', count, at);
      const nameEnd = endOfName(bytes, at, stop);
      const valueStart = nameEnd === at ? at : afterColon(bytes, nameEnd);
      // Appends or overwrites, in order.
      const place = count * offsetsPerField;
      offsets[place] = at;
      offsets[place + 1] = nameEnd;
      offsets[place + 2] = valueStart;
      // To the end of the field: the first line break that no white space follows.
      let lineStart = at;
      at = valueStart;
      for (;;) {
        while (at < stop && bytes[at] !== lineFeed) at++;
        if (at - lineStart > lineBytesMax + 1) return this.#fail('line-too-long', count, lineStart);
        if (at === stop) break;
        at++;
        if (at === stop) break;
        const next = bytes[at]!;
        if (next !== space && next !== tab) break;
        lineStart = at;
      }
      offsets[place + 3] = at;
      count++;
    }
    if (stop !== to) return this.#fail('header-too-large', count, at);
    return this.#end(count, at, at);
  }

  nameStart(field: number): number {
    return this.#offsets[field * offsetsPerField]!;
  }

  /** Equal to `nameStart` where the line is no field. */
  nameEnd(field: number): number {
    return this.#offsets[field * offsetsPerField + 1]!;
  }

  /** The byte after the colon. */
  valueStart(field: number): number {
    return this.#offsets[field * offsetsPerField + 2]!;
  }

  /** Before the last line break. */
  valueEnd(field: number): number {
    let end = this.rawEnd(field);
    const start = this.valueStart(field);
    if (end > start && this.bytes[end - 1] === lineFeed) end--;
    if (end > start && this.bytes[end - 1] === carriageReturn) end--;
    return end;
  }

  /** After the last line break. */
  rawEnd(field: number): number {
    return this.#offsets[field * offsetsPerField + 3]!;
  }

  #end(count: number, headerEnd: number, bodyStart: number): true {
    this.count = count;
    this.headerEnd = headerEnd;
    this.bodyStart = bodyStart;
    return true;
  }

  #fail(fault: HeaderFault, count: number, at: number): false {
    this.#end(count, at, at);
    this.fault = fault;
    return false;
  }
}

/** The end of a field's name, or `start` where the line is no field. */
function endOfName(bytes: Uint8Array, start: number, stop: number): number {
  let end = start;
  // RFC 5322 §2.2: printable US-ASCII except the colon; RFC 6532 does not widen it.
  while (end < stop) {
    const byte = bytes[end]!;
    if (byte <= space || byte === colon || byte >= 127) break;
    end++;
  }
  let next = end;
  while (next < stop && (bytes[next] === space || bytes[next] === tab)) next++;
  return next < stop && bytes[next] === colon ? end : start;
}

function afterColon(bytes: Uint8Array, nameEnd: number): number {
  let at = nameEnd;
  while (bytes[at] !== colon) at++;
  return at + 1;
}

/** A scan of its own, for callers that keep it. */
export function scanHeaders(bytes: Uint8Array, limits: HeaderLimits = headerLimits): HeaderScan {
  const scan = new HeaderScan();
  scan.scan(bytes, limits);
  return scan;
}
