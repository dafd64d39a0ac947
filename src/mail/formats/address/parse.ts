/**
 * Reads address lists, mending what old and broken programs write.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §3.4 and §4.4 (obsolete forms, routes), RFC 6532 (UTF-8 anywhere), RFC 6854 (groups).
 * Limits:    `addressesMax` entries, the rest is left unread; linear time, comments counted and not recursed.
 * Invariant: never throws; what could be read two ways is marked `isValid: false`.
 */

export const addressesMax = 10_000;

export interface Mailbox {
  readonly kind: 'mailbox';
  /** Display name as written, quotes removed, encoded words not decoded; from a comment when that is all. */
  readonly name: string;
  /** Quotes and backslashes removed. */
  readonly localPart: string;
  /** As written; a literal with its brackets; "" where there was none. */
  readonly domain: string;
  /** Obsolete source route as written, as `@a,@b`; "" as a rule. */
  readonly route: string;
  /** False when the text was mended or some of it not understood. */
  readonly isValid: boolean;
}

export interface Group {
  readonly kind: 'group';
  readonly name: string;
  readonly members: readonly Mailbox[];
}

export type Address = Mailbox | Group;

/** All mailboxes, those in groups included, in order. */
export function mailboxesOf(addresses: readonly Address[]): readonly Mailbox[] {
  return addresses.flatMap((address) => (address.kind === 'group' ? address.members : [address]));
}

/** `value` is unfolded text; encoded words stay as they are until shown. */
export function parseAddressList(value: string): readonly Address[] {
  const lexer = new Lexer(value);
  const addresses: Address[] = [];
  let open: { name: string; members: Mailbox[] } | undefined;
  let count = 0;
  while (count < addressesMax) {
    const element = readElement(lexer, open !== undefined);
    if (element.mailbox !== undefined) {
      (open?.members ?? addresses).push(element.mailbox as Mailbox & Address);
      count++;
    }
    if (element.groupName !== undefined) {
      open = { name: element.groupName, members: [] };
      count++;
    } else if (element.end === ';' && open !== undefined) {
      addresses.push({ kind: 'group', ...open });
      open = undefined;
    }
    if (element.end === '') break;
  }
  if (open !== undefined) addresses.push({ kind: 'group', ...open });
  return addresses;
}

interface Element {
  readonly mailbox?: Mailbox;
  readonly groupName?: string;
  /** What ended it: a comma, a semicolon, a group's colon, or "" for the end of the text. */
  readonly end: string;
}

type Token =
  | {
      readonly kind: 'word';
      readonly text: string;
      readonly quoted: boolean;
      readonly spaced: boolean;
    }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'special'; readonly text: string }
  | { readonly kind: 'end' };

interface Draft {
  words: (Token & { kind: 'word' })[];
  angle: { localPart: string; domain: string; route: string; isValid: boolean } | undefined;
  domain: string | undefined;
  isValid: boolean;
}

/** Reads up to the next separator at the outermost level. */
function readElement(lexer: Lexer, isInGroup: boolean): Element {
  const draft: Draft = { words: [], angle: undefined, domain: undefined, isValid: true };
  lexer.comment = '';
  for (;;) {
    const token = lexer.next();
    if (token.kind === 'end') return { ...mailboxFrom(draft, lexer.comment), end: '' };
    if (token.kind === 'word') {
      if (draft.angle !== undefined || draft.domain !== undefined) draft.isValid = false;
      else draft.words.push(token);
      continue;
    }
    if (token.kind === 'literal') {
      draft.isValid = false;
      continue;
    }
    if (token.text === ',' || token.text === ';') {
      // Outside a group a semicolon is another program's comma.
      return { ...mailboxFrom(draft, lexer.comment), end: token.text };
    }
    if (token.text === ':') {
      if (!isInGroup && draft.angle === undefined && draft.domain === undefined) {
        return { groupName: phrase(draft.words), end: ':' };
      }
      draft.isValid = false;
    } else if (token.text === '<') {
      if (draft.angle === undefined && draft.domain === undefined) draft.angle = readAngle(lexer);
      else {
        readAngle(lexer);
        draft.isValid = false;
      }
    } else if (token.text === '@') {
      const domain = readDomain(lexer);
      if (draft.angle === undefined && draft.domain === undefined) draft.domain = domain;
      else draft.isValid = false;
    } else draft.isValid = false;
  }
}

function mailboxFrom(draft: Draft, comment: string): { mailbox?: Mailbox } {
  const { words, angle, domain } = draft;
  if (angle !== undefined) {
    const name = words.length > 0 ? phrase(words) : comment;
    const isValid = draft.isValid && angle.isValid;
    return { mailbox: { kind: 'mailbox', name, ...angle, isValid } };
  }
  if (domain !== undefined) {
    const localPart = local(words);
    const isValid = draft.isValid && localPart !== '' && domain !== '';
    return { mailbox: { kind: 'mailbox', name: comment, localPart, domain, route: '', isValid } };
  }
  if (words.length === 0) return {};
  // A bare word, as `root`: a local part without a domain.
  const bare = { localPart: phrase(words), domain: '', route: '', isValid: false };
  return { mailbox: { kind: 'mailbox', name: comment, ...bare } };
}

/** After `<`, to after `>`. RFC 5322 §4.4: obs-angle-addr may name a route before the address. */
function readAngle(lexer: Lexer): NonNullable<Draft['angle']> {
  const words: Draft['words'] = [];
  let route = '';
  let domain: string | undefined;
  let isValid = true;
  for (;;) {
    const token = lexer.next();
    if (token.kind === 'end')
      return { localPart: local(words), domain: domain ?? '', route, isValid: false };
    if (token.kind === 'word') {
      if (domain === undefined) words.push(token);
      else isValid = false;
    } else if (token.kind === 'literal') isValid = false;
    else if (token.text === '>') {
      const localPart = local(words);
      isValid &&= localPart !== '' && domain !== undefined && domain !== '';
      return { localPart, domain: domain ?? '', route, isValid };
    } else if (token.text === '@') {
      const name = readDomain(lexer);
      if (words.length === 0 && domain === undefined) {
        route += `${route === '' ? '' : ','}@${name}`;
        if (lexer.skip(':')) continue;
        if (!lexer.skip(',')) isValid = false;
      } else if (domain === undefined) domain = name;
      else isValid = false;
    } else isValid = false;
  }
}

/** After `@`: a literal, or atoms with dots; comments and white space around dots are obsolete but read. */
function readDomain(lexer: Lexer): string {
  const first = lexer.peek();
  if (first.kind === 'literal') {
    lexer.next();
    return first.text;
  }
  let domain = '';
  for (;;) {
    const token = lexer.peek();
    if (token.kind !== 'word' || token.quoted) return domain;
    if (domain !== '' && token.spaced && !domain.endsWith('.') && !token.text.startsWith('.')) {
      return domain;
    }
    domain += token.text;
    lexer.next();
  }
}

function phrase(words: Draft['words']): string {
  let text = '';
  for (const word of words) text += (text !== '' && word.spaced ? ' ' : '') + word.text;
  return text;
}

function local(words: Draft['words']): string {
  let text = '';
  for (const word of words) {
    const isJoined = text === '' || !word.spaced || text.endsWith('.') || word.text.startsWith('.');
    text += isJoined ? word.text : ` ${word.text}`;
  }
  return text;
}

const wordPattern = /[^\s()<>[\]:;@\\,"]+/y;

class Lexer {
  /** Text of the last comment outside of an address: some programs put the name there. */
  comment = '';
  readonly #text: string;
  #at = 0;
  #peeked: Token | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  peek(): Token {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  next(): Token {
    const token = this.peek();
    this.#peeked = undefined;
    return token;
  }

  /** Takes the next token when it is this special. */
  skip(special: string): boolean {
    const token = this.peek();
    if (token.kind !== 'special' || token.text !== special) return false;
    this.next();
    return true;
  }

  #read(): Token {
    const text = this.#text;
    const start = this.#at;
    this.#skipBlank();
    if (this.#at >= text.length) return { kind: 'end' };
    const spaced = this.#at > start;
    const first = text[this.#at]!;
    if (first === '"') return { kind: 'word', text: this.#quoted('"'), quoted: true, spaced };
    if (first === '[') return { kind: 'literal', text: `[${this.#quoted(']').trim()}]` };
    wordPattern.lastIndex = this.#at;
    const word = wordPattern.exec(text)?.[0];
    if (word === undefined) {
      this.#at++;
      return { kind: 'special', text: first };
    }
    this.#at += word.length;
    return { kind: 'word', text: word, quoted: false, spaced };
  }

  /** To after `close`, backslashes resolved; an end that never comes is the end of the text. */
  #quoted(close: string): string {
    const text = this.#text;
    let out = '';
    let at = this.#at + 1;
    for (; at < text.length && text[at] !== close; at++) {
      if (text[at] === '\\' && at + 1 < text.length) at++;
      out += text[at];
    }
    this.#at = at + 1;
    return out;
  }

  #skipBlank(): void {
    const text = this.#text;
    while (this.#at < text.length) {
      const char = text.charCodeAt(this.#at);
      if (char === 0x28) this.#skipComment();
      else if (char <= 32 || char === 0xa0 || char === 0xfeff) this.#at++;
      else return;
    }
  }

  #skipComment(): void {
    const text = this.#text;
    let depth = 0;
    let out = '';
    for (; this.#at < text.length; this.#at++) {
      const char = text[this.#at]!;
      if (char === '\\' && this.#at + 1 < text.length) out += text[++this.#at];
      else if (char === '(') {
        if (depth++ > 0) out += char;
      } else if (char === ')') {
        if (--depth === 0) {
          this.#at++;
          break;
        }
        out += char;
      } else out += char;
    }
    this.comment = out.trim();
  }
}
