/**
 * Reads address lists, mending what old and broken programs write.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §3.4 and §4.4 (obsolete forms, routes), RFC 6532 (UTF-8 anywhere), RFC 6854 (groups).
 * Limits:    `addressesMax` entries, the rest is left unread; linear time, comments counted and not recursed.
 * Invariant: never throws; what could be read two ways is marked `isValid: false`.
 */

import { Lexer, type Word } from './lexer.ts';

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

interface Draft {
  words: Word[];
  angle: { localPart: string; domain: string; route: string; isValid: boolean } | undefined;
  domain: string | undefined;
  isValid: boolean;
}

/** Reads up to the next separator at the outermost level. */
function readElement(lexer: Lexer, isInGroup: boolean): Element {
  const draft: Draft = { words: [], angle: undefined, domain: undefined, isValid: true };
  lexer.comment = '';
  lexer.isBroken = false;
  for (;;) {
    const token = lexer.next();
    if (token.kind === 'end') return { ...mailboxFrom(draft, lexer), end: '' };
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
      return { ...mailboxFrom(draft, lexer), end: token.text };
    }
    if (token.text === ':') {
      if (!isInGroup && draft.angle === undefined && draft.domain === undefined) {
        return { groupName: phrase(draft.words), end: ':' };
      }
      draft.isValid = false;
    } else if (token.text === '<') {
      const angle = readAngle(lexer);
      if (draft.angle !== undefined) draft.isValid = false;
      else {
        // An address where the name should be, unquoted: what the brackets hold is meant.
        if (draft.domain !== undefined) nameFromAddress(draft);
        draft.angle = angle;
      }
    } else if (token.text === '@') {
      const domain = readDomain(lexer);
      if (draft.angle === undefined && draft.domain === undefined) draft.domain = domain;
      else draft.isValid = false;
    } else draft.isValid = false;
  }
}

function nameFromAddress(draft: Draft): void {
  const text = `${phrase(draft.words)}@${draft.domain}`;
  draft.words = [{ kind: 'word', text, quoted: true, spaced: true }];
  draft.domain = undefined;
  draft.isValid = false;
}

function mailboxFrom(draft: Draft, { comment, isBroken }: Lexer): { mailbox?: Mailbox } {
  const { words, angle, domain } = draft;
  if (isBroken) draft.isValid = false;
  if (angle !== undefined) {
    const name = words.length > 0 ? phrase(words) : comment;
    const isValid = draft.isValid && angle.isValid;
    return { mailbox: { kind: 'mailbox', name, ...angle, isValid } };
  }
  if (domain !== undefined) {
    // `Joe Smith joe@example.org`: only the last words can be the local part.
    const first = localStart(words);
    const localPart = local(words.slice(first));
    const name = first > 0 ? phrase(words.slice(0, first)) : comment;
    const isValid = draft.isValid && first === 0 && isLocalPart(words) && isDomain(domain);
    return { mailbox: { kind: 'mailbox', name, localPart, domain, route: '', isValid } };
  }
  // What is nothing to us may be an address to others: it must not go unseen.
  if (words.length === 0 && draft.isValid) return {};
  // A bare word, as `root`: a local part without a domain.
  const bare = { localPart: phrase(words), domain: '', route: '', isValid: false };
  return { mailbox: { kind: 'mailbox', name: comment, ...bare } };
}

/** After `<`, to after `>`. RFC 5322 §4.4: obs-angle-addr may name a route before the address. */
function readAngle(lexer: Lexer): NonNullable<Draft['angle']> {
  const words: Word[] = [];
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
      isValid &&= localStart(words) === 0 && isLocalPart(words);
      isValid &&= isDomain(domain);
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

function phrase(words: readonly Word[]): string {
  let text = '';
  for (const word of words) text += (text !== '' && word.spaced ? ' ' : '') + word.text;
  return text;
}

/** Whether `word` goes on with the one before it: RFC 5322 §4.4 allows white space around dots. */
function isJoined(before: string, word: Word): boolean {
  return !word.spaced || before.endsWith('.') || word.text.startsWith('.');
}

/** Index of the word that the local part starts with: words before it are parted from it by white space. */
function localStart(words: readonly Word[]): number {
  let start = words.length - 1;
  while (start > 0 && isJoined(words[start - 1]!.text, words[start]!)) start--;
  return Math.max(start, 0);
}

function local(words: readonly Word[]): string {
  let text = '';
  for (const word of words) text += (text === '' || isJoined(text, word) ? '' : ' ') + word.text;
  return text;
}

/** RFC 5322 §3.4.1 and §4.4: atoms and quoted strings with one dot between any two. */
function isLocalPart(words: readonly Word[]): boolean {
  let shape = '';
  for (const word of words) shape += word.quoted ? 'q' : word.text.replace(/[^.]+/g, 'a');
  return /^[aq](?:\.[aq])*$/.test(shape);
}

const inner = '[^\\s.\\u0000-\\u001f\\u007f"(),:;<>@[\\\\\\]]';
const outer = `(?!-)${inner}`;
const label = `${outer}(?:${inner}*${outer})?`;
const literal = '\\[[^\\s[\\]\\\\\\u0000-\\u001f\\u007f]*\\]';
const domainPattern = new RegExp(`^(?:${label}(?:\\.${label})*|${literal})$`);

/** RFC 5321 §4.1.2 in shape: labels with no hyphen at their ends, or a literal. */
function isDomain(domain: string | undefined): boolean {
  return domain !== undefined && domainPattern.test(domain);
}
