/**
 * Why a next hop did not take a message, from its reply: what a retry, a report or a limit can do about it differs.
 *
 * Runs in:   anywhere; pure. Only for what was not delivered: it looks at words.
 * Specs:     RFC 3463 §3 and the IANA registry of enhanced status codes; RFC 5321 §4.2.3.
 * Limits:    `textCharsMax` of a reply are looked at, each phrase once: no pattern can take long.
 * Invariant: what is said in words goes before codes: providers are freer with codes than with words. Words a sender
 *            chose, which the reply repeats, are not among them (`echoes.ts`).
 */

import { isInAddress, type Repeated, withoutEchoes } from './echoes.ts';
import type { Reply } from './reply-reader.ts';
import { phrases } from './response-phrases.ts';

export const responseClasses = [
  'greylist', // not yet: the same message again in a few minutes
  'rate', // too much at once, for now
  'over-quota', // the mailbox is full
  'block', // our address, domain or reputation
  'address', // no such mailbox
  'domain', // no such domain, or it takes no mail
  'inactive', // the mailbox is there and takes nothing
  'authentication', // SPF, DKIM, DMARC, reverse DNS
  'content', // what the message says
  'size',
  'policy', // not allowed, for reasons of theirs
  'routing', // loops, no way there
  'network', // no connection, or lost
  'tls',
  'protocol', // not understood, or an extension that is missing
  'system', // trouble of theirs
  'expired',
  'other',
] as const;
export type ResponseClass = (typeof responseClasses)[number];

const textCharsMax = 1_024;

/** Subject and detail of an enhanced code (RFC 3463 §3): `1.1` is X.1.1. */
const byDetail: ReadonlyMap<string, ResponseClass> = new Map([
  ...(['1.0', '1.1', '1.3', '1.6', '1.7', '1.8'] as const).map((d) => [d, 'address'] as const),
  ['1.2', 'domain'],
  ['1.10', 'domain'],
  ['2.1', 'inactive'],
  ['2.2', 'over-quota'],
  ['2.3', 'size'],
  ['2.4', 'system'],
  ['3.1', 'system'],
  ['3.2', 'system'],
  ['3.4', 'size'],
  ['4.1', 'network'],
  ['4.2', 'network'],
  ['4.3', 'routing'],
  ['4.4', 'routing'],
  ['4.5', 'rate'],
  ['4.6', 'routing'],
  ['4.7', 'expired'],
  ['5.3', 'rate'],
  ['7.4', 'tls'],
  ['7.5', 'tls'],
  ['7.10', 'tls'],
  ['7.11', 'tls'],
  ['7.30', 'tls'],
  ...(['7.20', '7.21', '7.22', '7.23', '7.24', '7.25', '7.26', '7.27', '7.29'] as const).map(
    (d) => [d, 'authentication'] as const,
  ),
  ['7.28', 'rate'],
]);

const bySubject: Readonly<Record<string, ResponseClass>> = {
  '1': 'address',
  '2': 'inactive',
  '3': 'system',
  '4': 'network',
  '5': 'protocol',
  '6': 'content',
  '7': 'policy',
};

const byCode: Readonly<Record<number, ResponseClass>> = {
  421: 'system',
  451: 'system',
  452: 'system',
  454: 'tls',
  500: 'protocol',
  501: 'protocol',
  502: 'protocol',
  503: 'protocol',
  504: 'protocol',
  521: 'domain',
  541: 'policy',
  551: 'address',
  552: 'over-quota',
  553: 'address',
  554: 'policy',
  555: 'protocol',
  556: 'domain',
};

/** A reply whose class a rule decided. */
export interface ClassedReply extends Reply {
  readonly why?: ResponseClass;
}

/** `message`: what it was said to, as far as that is known: its addresses may be repeated in any form. */
export function classOf(
  { code, enhanced, text, why }: ClassedReply,
  message?: Repeated,
): ResponseClass {
  if (why !== undefined) return why;
  // A phrase may stand on two lines of a reply.
  const said = text.slice(0, textCharsMax).toLowerCase().replaceAll('\n', ' ');
  const words = withoutEchoes(said);
  const isSaid = (phrase: string) =>
    words.includes(phrase) && (message === undefined || !isInAddress(phrase, message));
  for (const { of, when, kinds } of phrases) {
    if (kinds !== undefined && !kinds.includes(Math.floor(code / 100))) continue;
    if (when.some(isSaid)) return of;
  }
  const [, subject = '', detail = ''] = enhanced.split('.');
  // X.0.0 and X.7.1 say nothing that a code does not.
  const known =
    byDetail.get(`${subject}.${detail}`) ?? (detail === '0' ? undefined : bySubject[subject]);
  return known ?? byCode[code] ?? bySubject[subject] ?? 'other';
}

/** Of a reply as queues keep it: `code enhanced text`. */
export function classOfLine(line: string): ResponseClass {
  const match = /^(\d{3}) (?:(\d\.\d{1,3}\.\d{1,3}) )?/.exec(line);
  if (match === null) return 'other';
  return classOf({
    code: Number(match[1]),
    enhanced: match[2] ?? '',
    text: line.slice(match[0].length),
  });
}
