/**
 * What the classifier sees of a message: words and marks, hashed into places of its table.
 *
 * Runs in:   engine threads and jobs; pure.
 * Limits:    `featuresMax` places of one message, `wordsMax` words of its text.
 * Invariant: the same message gives the same places on every machine; a change here wants a new version of model bytes.
 */

import { isAddressLiteral, registeredName } from './hosts.ts';
import type { Reading } from './reading.ts';
import { eachWord } from './words.ts';

export const tableBits = 18;
export const tableSize = 2 ** tableBits;
export const featuresMax = 2_048;
const wordsMax = 4_000;

/** Fields whose words are looked at; of all others it counts that they are there. */
const wordFields: ReadonlySet<string> = new Set([
  'subject',
  'from',
  'to',
  'reply-to',
  'x-mailer',
  'user-agent',
  'organization',
  'list-id',
  'content-type',
  'sender',
  'precedence',
  'received',
  'message-id',
  'mime-version',
]);
/** Written at or after reception, or by other filters: what they say is no mark of the message. */
const unseenFields: readonly string[] = [
  'x-spam',
  'x-bogosity',
  'x-quarantine',
  'x-phishing',
  'x-dmarc-outcome',
  'return-path',
  'delivered-to',
  'status',
  'x-status',
  'x-keywords',
  'x-uid',
  'x-virus',
  'authentication-results',
  'x-pyzor',
  'x-mozilla',
];

/** Gathers places; names are kept only for who wants to explain. */
export class FeatureGather {
  readonly #places = new Set<number>();
  readonly names: Map<number, string> | undefined;

  readonly #most: number;

  constructor(isNamed: boolean, most: number = featuresMax) {
    this.#most = most;
    this.names = isNamed ? new Map() : undefined;
  }

  get isFull(): boolean {
    return this.#places.size >= this.#most;
  }

  add(kind: string, word: string, second = ''): void {
    if (this.isFull) return;
    let hash = 0x811c9dc5;
    hash = mixed(hash, kind);
    hash = mixed(hash, word);
    if (second !== '') hash = mixed(hash, second);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    const place = (hash ^ (hash >>> 16)) >>> (32 - tableBits);
    this.#places.add(place);
    if (this.names !== undefined && !this.names.has(place)) {
      this.names.set(place, `${kind}:${word}${second === '' ? '' : ` ${second}`}`);
    }
  }

  places(): Uint32Array {
    return Uint32Array.from(this.#places);
  }
}

/** FNV-1a over UTF-16 units, the text's end included. */
function mixed(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return Math.imul(hash ^ 0xffff, 0x01000193);
}

export function gatherFeatures(reading: Reading, gather: FeatureGather): Uint32Array {
  addFields(reading, gather);
  addShape(reading, gather);
  for (const { host, path } of reading.urls) {
    if (host === '') continue;
    gather.add('url', isAddressLiteral(host) ? 'address' : registeredName(host));
    const end = path.lastIndexOf('.');
    if (end >= 0 && path.length - end < 6) gather.add('url-end', path.slice(end).toLowerCase());
  }
  let last = '';
  eachWord(reading.text, wordsMax, (word) => {
    gather.add('word', word);
    if (last !== '') gather.add('pair', last, word);
    last = word;
    return gather.isFull;
  });
  return gather.places();
}

function addFields({ fields, subject }: Reading, gather: FeatureGather): void {
  for (const { name, value } of fields) {
    if (unseenFields.some((start) => name.startsWith(start))) continue;
    gather.add('field', name);
    if (!wordFields.has(name)) continue;
    eachWord(value, 60, (word) => gather.add(name, word));
  }
  let last = '';
  eachWord(subject, 40, (word) => {
    gather.add('word', word);
    if (last !== '') gather.add('subject-pair', last, word);
    last = word;
  });
}

function addShape(reading: Reading, gather: FeatureGather): void {
  const { parts, html, text, urls, invisibleCount } = reading;
  for (const part of parts.slice(0, 20)) {
    gather.add('part', `${part.type}/${part.subtype}`.slice(0, 60));
    gather.add('encoding', part.encoding.slice(0, 30));
  }
  gather.add('size', String(Math.floor(Math.log2(reading.bytes + 1))));
  gather.add('urls', String(Math.floor(Math.log2(urls.length + 1))));
  if (invisibleCount > 0) gather.add('shape', 'invisible');
  if (html !== '') {
    gather.add('shape', `html ${Math.floor(8 * Math.min(1, text.length / html.length))}`);
    const lower = html.toLowerCase();
    for (const tag of tags) if (lower.includes(tag)) gather.add('tag', tag);
  }
}

const tags = [
  '<form',
  '<img',
  '<font',
  '<script',
  '<iframe',
  '<input',
  '<table',
  '<center',
  '<map',
  '<style',
  '<!--',
  'bgcolor',
  'mailto:',
  'color=',
  'size=',
  'display:none',
  'width=',
  'href=',
  '<h1',
  '<b>',
];
