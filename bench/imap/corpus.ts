/**
 * Mail as people write it, the same for the same seed: about 3 kB a message, one in ten with parts, threads of five.
 *
 * Runs in:   bench; pure.
 * Invariant: message `n` of a seed is the same whoever asks and in whatever order: all servers get the same mail.
 */

import { Buffer } from 'node:buffer';
import { SeededRandom } from '../../src/harness/seeded-random.ts';

/** What is measured unless another is asked for; scenarios search for its words. */
export const corpusSeed = 7;
const wordCount = 3_000;
const subjectWords = 5;
/** A word of these stands in some 2.5 % of subjects. */
const subjectVocabulary = 200;
const bodyWords = 360;
const people = 60;
const threadMessages = 5;
const partsEvery = 10;
const attachmentBytes = 900;
/** One message each three minutes: 100,000 of them are seven months. */
const intervalMs = 180_000;
const firstMs = Date.UTC(2025, 0, 6, 8);
const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const monthNames = [
  ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'],
  ...['Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
];

const onsets = ['b', 'br', 'c', 'd', 'f', 'gr', 'h', 'l', 'm', 'n', 'p', 'pl', 'r', 's', 'st', 't'];
const vowels = ['a', 'e', 'i', 'o', 'u', 'ea', 'ou', 'ai'];
const codas = ['', 'n', 'r', 's', 'l', 't', 'nd', 'm', 'rk', 'st'];

export interface CorpusMessage {
  readonly bytes: Buffer;
  readonly isSeen: boolean;
  readonly isFlagged: boolean;
  readonly internalMs: number;
}

export class Corpus {
  readonly #seed: number;
  readonly #words: readonly string[];
  readonly #names: readonly string[];

  constructor(seed: number) {
    this.#seed = seed;
    const random = new SeededRandom(seed);
    this.#words = vocabulary(random, wordCount);
    this.#names = vocabulary(random, people * 2).map(
      (name) => name[0]!.toUpperCase() + name.slice(1),
    );
  }

  /** What searches look for: each is in a few of a hundred messages. */
  get terms() {
    const [word, other] = [this.#words[17]!, this.#words[41]!];
    return {
      subject: word,
      otherSubject: other,
      from: this.#names[7]!,
      to: this.#names[11]!,
      cc: this.#names[13]!,
      // Three of a hundred bodies: bodyWord() draws high numbers seldom.
      body: this.#words[900]!,
      messageId: this.#messageId(5_000),
    } as const;
  }

  /** `number` counts from 0. */
  message(number: number): CorpusMessage {
    const random = new SeededRandom(this.#seed * 7_919 + number + 1);
    const thread = Math.floor(number / threadMessages);
    const inThread = number % threadMessages;
    const internalMs = firstMs + number * intervalMs;
    const isMultipart = number % partsEvery === 3;
    const head = this.#head(random, number, thread, inThread, internalMs);
    const text = this.#text(random, isMultipart ? bodyWords / 2 : bodyWords);
    const lines = isMultipart
      ? [...head, ...this.#parts(random, number, text)]
      : [...head, ...plain(text)];
    return {
      bytes: Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1'),
      isSeen: random.fraction() < 2 / 3,
      isFlagged: random.fraction() < 0.05,
      internalMs,
    };
  }

  #head(
    random: SeededRandom,
    number: number,
    thread: number,
    inThread: number,
    internalMs: number,
  ): string[] {
    const base = new SeededRandom(this.#seed * 104_729 + thread);
    const subject = Array.from(
      { length: subjectWords },
      () => this.#words[below(base, subjectVocabulary)]!,
    ).join(' ');
    const references = Array.from({ length: inThread }, (_, i) =>
      this.#messageId(number - inThread + i),
    );
    const copies =
      random.fraction() < 0.3 ? [`Cc: ${this.#person(random)}, ${this.#person(random)}`] : [];
    const answered =
      references.length === 0
        ? []
        : [`In-Reply-To: ${references.at(-1)}`, `References: ${references.join('\r\n\t')}`];
    return [
      `Return-Path: <bounce-${number}@lists.example.org>`,
      `Received: from mail-${number % 31}.example.net (mail-${number % 31}.example.net [192.0.2.${number % 250}])`,
      `\tby mx.example.org with ESMTPS id ${hex(random)}${hex(random)}`,
      `\tfor <bench@bench.test>; ${dateText(internalMs)}`,
      `From: ${this.#person(random)}`,
      `To: ${this.#person(random)}, ${this.#person(random)}`,
      ...copies,
      `Subject: ${inThread === 0 ? '' : 'Re: '}${subject}`,
      `Date: ${dateText(internalMs - 7_000)}`,
      `Message-ID: ${this.#messageId(number)}`,
      ...answered,
      'MIME-Version: 1.0',
      `X-Mailer: Writer ${below(random, 9)}.${below(random, 20)}`,
      `X-Campaign: ${this.#words[below(random, 40)]}`,
      `User-Agent: Writer/${below(random, 9)}.0 (X11; Linux x86_64)`,
    ];
  }

  #parts(random: SeededRandom, number: number, text: readonly string[]): string[] {
    const boundary = `=_part_${number}_${hex(random)}`;
    const attachment = Buffer.from(random.bytes(attachmentBytes)).toString('base64');
    return [
      `Content-Type: multipart/mixed; boundary="${boundary}"`,
      '',
      'This is a message with parts.',
      `--${boundary}`,
      ...plain(text),
      `--${boundary}`,
      `Content-Type: application/octet-stream; name="${this.#words[below(random, wordCount)]}.bin"`,
      'Content-Disposition: attachment',
      'Content-Transfer-Encoding: base64',
      '',
      ...(attachment.match(/.{1,76}/g) ?? []),
      `--${boundary}--`,
    ];
  }

  #text(random: SeededRandom, count: number): string[] {
    const lines: string[] = [];
    let line = '';
    for (let i = 0; i < count; i++) {
      const word = this.#words[bodyWord(random)]!;
      if (line.length + word.length > 72) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
    return lines;
  }

  #person(random: SeededRandom): string {
    const person = below(random, people);
    const first = this.#names[person * 2]!;
    const last = this.#names[person * 2 + 1]!;
    return `${first} ${last} <${first}.${last}@example.${person % 3 === 0 ? 'com' : 'net'}>`;
  }

  #messageId(number: number): string {
    return `<${number}.${(number * 2_654_435_761) % 4_294_967_296}@mail-${number % 31}.example.net>`;
  }
}

function plain(text: readonly string[]): string[] {
  return [
    'Content-Type: text/plain; charset=us-ascii',
    'Content-Transfer-Encoding: 7bit',
    '',
    ...text,
    '',
  ];
}

/** Of one to three syllables, none twice. */
function vocabulary(random: SeededRandom, count: number): string[] {
  const words = new Set<string>();
  const one = (of: readonly string[]) => of[below(random, of.length)]!;
  while (words.size < count) {
    const syllables = 2 + below(random, 2);
    let word = '';
    for (let i = 0; i < syllables; i++) word += one(onsets) + one(vowels);
    words.add(word + one(codas));
  }
  return [...words];
}

/** Low numbers often, as in any language: the n-th word about 1/n times as often as the first. */
function bodyWord(random: SeededRandom): number {
  return Math.min(wordCount - 1, Math.floor(wordCount ** random.fraction()) - 1);
}

function below(random: SeededRandom, bound: number): number {
  return Math.floor(random.fraction() * bound);
}

function hex(random: SeededRandom): string {
  return Buffer.from(random.bytes(4)).toString('hex');
}

/** RFC 5322 §3.3. */
function dateText(ms: number): string {
  const date = new Date(ms);
  const time = date.toISOString().slice(11, 19);
  const month = monthNames[date.getUTCMonth()];
  return `${dayNames[date.getUTCDay()]}, ${date.getUTCDate()} ${month} ${date.getUTCFullYear()} ${time} +0000`;
}

/** As APPEND takes it (RFC 9051 §9, date-time). */
export function internalDate(ms: number): string {
  const date = new Date(ms);
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const month = monthNames[date.getUTCMonth()];
  return `${day}-${month}-${date.getUTCFullYear()} ${date.toISOString().slice(11, 19)} +0000`;
}
