/**
 * Reads commands of ManageSieve clients as their octets come.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5804 §1.2 and §4 (strings, literals, numbers, commands).
 * Limits:    `ReaderLimits`. What is too long to be read goes by unread as far as `skipBytesMax`; beyond it, and where
 *            it cannot be told where the next command begins, reading ends.
 * Invariant: octets after a command stay for the next call: clients send several at once.
 */

import { Buffer } from 'node:buffer';

/** Strings as they were sent; a number; an atom, as text. */
export type Argument =
  | { readonly kind: 'string'; readonly octets: Buffer }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'atom'; readonly text: string };

export type Finding =
  | { readonly kind: 'command'; readonly verb: string; readonly args: readonly Argument[] }
  /** Nothing but a string: the answer to a challenge. */
  | { readonly kind: 'string'; readonly octets: Buffer }
  | { readonly kind: 'bad'; readonly words: string }
  /** A literal was larger than may be. */
  | { readonly kind: 'too-large'; readonly verb: string }
  | { readonly kind: 'fatal'; readonly words: string };

export interface ReaderLimits {
  /** A line, its literals not counted. */
  readonly lineBytesMax: number;
  readonly literalBytesMax: number;
  readonly skipBytesMax: number;
}

const none: Buffer = Buffer.alloc(0);
/** No command has so many. */
const piecesMax = 3;
/** RFC 5804 §4: numbers have 32 bits. */
const numberMax = 0xffff_ffff;

export class CommandReader {
  /** Good for what is read from then on. */
  limits: ReaderLimits;
  #held: Buffer = none;
  /** What came since. */
  #more: Buffer[] = [];
  #moreBytes = 0;
  /** The command so far: each line's text without the mark of the literal behind it. */
  #texts: string[] = [];
  #literals: Buffer[] = [];
  /** Octets of a literal that are still to come; of one that goes by, to be dropped. */
  #literalLeft = -1;
  #skipLeft = 0;
  #isTooLarge = false;

  constructor(limits: ReaderLimits) {
    this.limits = limits;
  }

  /** Octets that wait here. */
  get heldBytes(): number {
    return this.#held.length + this.#moreBytes;
  }

  /** More than this is not needed before the next command is found. */
  get isFull(): boolean {
    const { lineBytesMax, literalBytesMax } = this.limits;
    return this.heldBytes > lineBytesMax + literalBytesMax;
  }

  push(chunk: Buffer): void {
    this.#more.push(Buffer.from(chunk));
    this.#moreBytes += chunk.length;
  }

  /** While a literal comes, what came is gathered once: it may come an octet at a time. */
  #gather(): boolean {
    const wanted = Math.max(this.#literalLeft, 0);
    if (this.heldBytes < wanted) return false;
    if (this.#more.length > 0) this.#held = Buffer.concat([this.#held, ...this.#more]);
    this.#more = [];
    this.#moreBytes = 0;
    return true;
  }

  /** All that came is forgotten. */
  clear(): void {
    this.#held = none;
    this.#more = [];
    this.#moreBytes = 0;
    this.#reset();
  }

  /** Undefined: it is not whole yet. */
  next(): Finding | undefined {
    for (;;) {
      if (!this.#gather() || !this.#literalIsThere()) return undefined;
      const end = this.#held.indexOf(10);
      const { lineBytesMax } = this.limits;
      if (end > lineBytesMax || (end < 0 && this.#held.length > lineBytesMax)) {
        return { kind: 'fatal', words: 'The line is too long' };
      }
      if (end < 0) return undefined;
      const line = this.#held.subarray(0, end + 1);
      this.#held = this.#held.subarray(end + 1);
      const isLine = end > 0 && line[end - 1] === 13;
      const text = isLine ? textOf(line.subarray(0, end - 1)) : undefined;
      const mark = text === undefined ? null : /\{(\d{1,10})(\+?)\}$/.exec(text);
      // What follows may be a literal's octets, and must not be taken for commands.
      const mayGoOn = mark === null && /\{[^{}"]*\}\s*$/.test(line.toString('latin1'));
      if (mayGoOn) return { kind: 'fatal', words: 'A literal is {OCTETS+}' };
      if (!isLine) return this.#ended('Lines end in CR LF');
      if (text === undefined) return this.#ended('What is no UTF-8 needs a literal');
      if (mark === null) return this.#whole(text);
      const fatal = this.#beginLiteral(text.slice(0, mark.index), Number(mark[1]), mark[2] === '+');
      if (fatal !== undefined) return fatal;
    }
  }

  /** Takes the literal that is under way, as far as it came. */
  #literalIsThere(): boolean {
    if (this.#skipLeft > 0) {
      const dropped = Math.min(this.#skipLeft, this.#held.length);
      this.#held = this.#held.subarray(dropped);
      this.#skipLeft -= dropped;
      if (this.#skipLeft > 0) return false;
    }
    if (this.#literalLeft < 0) return true;
    if (this.#held.length < this.#literalLeft) return false;
    this.#literals.push(Buffer.from(this.#held.subarray(0, this.#literalLeft)));
    this.#held = this.#held.subarray(this.#literalLeft);
    this.#literalLeft = -1;
    return true;
  }

  #beginLiteral(text: string, bytes: number, isPlus: boolean): Finding | undefined {
    // RFC 5804 §4: clients send no others. Its octets might come, or not.
    if (!isPlus) return { kind: 'fatal', words: 'A literal is {OCTETS+}' };
    const { literalBytesMax, skipBytesMax } = this.limits;
    if (this.#texts.length >= piecesMax) return { kind: 'fatal', words: 'Too many literals' };
    this.#texts.push(text);
    if (bytes <= literalBytesMax) {
      this.#literalLeft = bytes;
      return undefined;
    }
    if (bytes > skipBytesMax) return { kind: 'fatal', words: 'The literal is too large' };
    this.#isTooLarge = true;
    this.#skipLeft = bytes;
    this.#literals.push(none);
    return undefined;
  }

  #whole(last: string): Finding {
    const texts = [...this.#texts, last];
    const literals = this.#literals;
    const isTooLarge = this.#isTooLarge;
    this.#reset();
    const finding = parse(texts, literals);
    // An open quote, or what might be a literal's mark: the next lines may be the text it begins.
    if (finding.kind === 'bad' && texts.some(mayOpen)) return { ...finding, kind: 'fatal' };
    if (!isTooLarge) return finding;
    return { kind: 'too-large', verb: finding.kind === 'command' ? finding.verb : '' };
  }

  #ended(words: string): Finding {
    this.#reset();
    return { kind: 'bad', words };
  }

  #reset(): void {
    this.#texts = [];
    this.#literals = [];
    this.#literalLeft = -1;
    this.#skipLeft = 0;
    this.#isTooLarge = false;
  }
}

function mayOpen(text: string): boolean {
  const quotes = text.replace(/\\["\\]/g, '').split('"').length - 1;
  return quotes % 2 === 1 || /\{\d/.test(text);
}

function textOf(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

const token =
  /^(?:"((?:[^"\\\r\n\0]|\\["\\])*)"|(\d{1,10})|([!#-'*+\-./0-9:;<=>?@A-Z[\]^_`a-z|~]+))/;

function parse(texts: readonly string[], literals: readonly Buffer[]): Finding {
  const args: Argument[] = [];
  let isFirst = true;
  for (const [i, text] of texts.entries()) {
    let rest = text;
    while (rest !== '') {
      if (!isFirst) {
        if (!rest.startsWith(' ')) return bad;
        rest = rest.slice(1);
        if (rest === '') break;
      }
      const match = token.exec(rest);
      if (match === null) return bad;
      const [all, quoted, number, atom] = match;
      rest = rest.slice(all.length);
      isFirst = false;
      if (quoted !== undefined) {
        const octets = Buffer.from(quoted.replace(/\\(["\\])/g, '$1'), 'utf8');
        args.push({ kind: 'string', octets });
      } else if (number !== undefined) {
        const value = Number(number);
        if (value > numberMax) return bad;
        args.push({ kind: 'number', value });
      } else args.push({ kind: 'atom', text: atom! });
    }
    const isBeforeLiteral = i < texts.length - 1;
    // A space before each argument but the first, and none behind the last.
    if (text.endsWith(' ') !== isBeforeLiteral && !(i === 0 && text === '')) return bad;
    if (isBeforeLiteral) {
      args.push({ kind: 'string', octets: literals[i]! });
      isFirst = false;
    }
  }
  return finding(args);
}

const bad: Finding = { kind: 'bad', words: 'The command makes no sense' };

function finding([first, ...args]: readonly Argument[]): Finding {
  if (first === undefined) return bad;
  if (first.kind === 'atom') return { kind: 'command', verb: first.text.toUpperCase(), args };
  if (first.kind === 'string' && args.length === 0) return { kind: 'string', octets: first.octets };
  return bad;
}
