/**
 * What messages are sorted and threaded by.
 *
 * Runs in:   engine threads (once per stored message); pure.
 * Specs:     RFC 5256 §2.1 (base subject) and §2.2 (sent date), RFC 5957 (display sorts), RFC 5051 (casemap).
 * Limits:    texts are cut at `keyLengthMax` characters.
 */

import type { Address } from '../address/parse.ts';
import { parseDate } from '../date/parse.ts';
import { decodeWords } from '../headers/words.ts';
import { casemap } from '../text/casemap.ts';
import type { EnvelopeFields } from './envelope.ts';

const keyLengthMax = 255;
/** Encoded words are longer than what they say; more than this of them is not decoded for a key. */
const encodedLengthMax = 4_096;

export interface SortKeys {
  /** RFC 5256 §2.1, casemapped. */
  readonly baseSubject: string;
  /** Whether stripping the subject met `re:`, `fwd:` or their like: threads by subject need it. */
  readonly isReplyOrForward: boolean;
  /** RFC 5957: display name or address of the first mailbox, casemapped. */
  readonly displayFrom: string;
  readonly displayTo: string;
  /** RFC 5256 §3: what ENVELOPE first has as addr-mailbox: a local part, or the name of a group; casemapped. */
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  /** Epoch milliseconds of Date; absent where it cannot be read: the internal date stands in (RFC 5256 §2.2). */
  readonly sentMs?: number;
}

export function sortKeys(fields: EnvelopeFields): SortKeys {
  const { text, isReplyOrForward } = baseSubject(
    decodeWords((fields.subject ?? '').slice(0, encodedLengthMax)),
  );
  const date = fields.date === undefined ? undefined : parseDate(fields.date);
  return {
    baseSubject: keyOf(text),
    isReplyOrForward,
    displayFrom: keyOf(display(fields.from)),
    displayTo: keyOf(display(fields.to)),
    from: keyOf(firstName(fields.from)),
    to: keyOf(firstName(fields.to)),
    cc: keyOf(firstName(fields.cc)),
    ...(date === undefined ? {} : { sentMs: date.epochMs }),
  };
}

const trailer = /(?:\s|\(fwd\))+$/i;
const blob = /^\[[^[\]]*\]\s*/;
const leader = /^(?:re|fwd?)\s*(?:\[[^[\]]*\]\s*)?:\s*/i;
const forwardWrapper = /^\[fwd:(.*)\]$/i;
/** Hostile subjects are nothing but leaders: each round removes one. */
const roundsMax = 1_000;

/** RFC 5256 §2.1; `subject` is decoded. */
export function baseSubject(subject: string): { text: string; isReplyOrForward: boolean } {
  // Step 1: white space to single spaces.
  let text = subject
    .slice(0, 4 * keyLengthMax)
    .replace(/\s+/g, ' ')
    .trim();
  let isReplyOrForward = false;
  for (let round = 0; round < roundsMax; round++) {
    // Step 2: trailers.
    const trimmed = text.replace(trailer, '');
    if (/\(fwd\)/i.test(text.slice(trimmed.length))) isReplyOrForward = true;
    text = trimmed;
    // Steps 3 to 5: leaders, and blobs that something follows.
    for (let inner = 0; inner < roundsMax; inner++) {
      const blobs = leadingBlobs(text);
      const match = leader.exec(text.slice(blobs));
      if (match !== null) {
        text = text.slice(blobs + match[0].length);
        isReplyOrForward = true;
        continue;
      }
      const rest = text.replace(blob, '');
      if (rest === text || rest === '') break;
      text = rest;
    }
    // Step 6: a whole subject wrapped by a forward.
    const wrapped = forwardWrapper.exec(text);
    if (wrapped === null) break;
    text = wrapped[1]!.trim();
    isReplyOrForward = true;
  }
  return { text, isReplyOrForward };
}

/** Length of the blobs at the start: a leader may come after them. */
function leadingBlobs(text: string): number {
  let length = 0;
  for (;;) {
    const match = blob.exec(text.slice(length));
    if (match === null) return length;
    length += match[0].length;
  }
}

/** As texts are compared; cut, so that a row stays small. */
function keyOf(text: string): string {
  return casemap(text.slice(0, keyLengthMax)).slice(0, keyLengthMax).toWellFormed();
}

/** RFC 5957 §3: the display name, or the address where there is none. */
function display(addresses: readonly Address[]): string {
  const first = addresses[0];
  if (first === undefined) return '';
  const name = decodeWords(first.name.slice(0, encodedLengthMax)).trim();
  if (name !== '' || first.kind === 'group') return name;
  return first.domain === '' ? first.localPart : `${first.localPart}@${first.domain}`;
}

function firstName(addresses: readonly Address[]): string {
  const first = addresses[0];
  if (first === undefined) return '';
  return first.kind === 'group' ? first.name : first.localPart;
}
