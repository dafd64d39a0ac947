/**
 * vacation: an answer while somebody is away.
 *
 * Specs:     RFC 5230 (§4.1 days, §4.2 handles, §4.3 MIME, §5.1 subjects), RFC 6131 (:seconds), RFC 8580 (:fcc).
 * Invariant: whether the sender had an answer already is not decided here: the action tells handle and time.
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension } from '../compile/spec.ts';
import { oneAddress } from '../message/address-parts.ts';
import { reasonNotToAnswer } from '../message/answerable.ts';
import type { Vacation } from '../run/actions.ts';
import type { Machine } from '../run/machine.ts';
import { notAddress } from './core.ts';
import { checkSpecialUse, fccOf, fccTags } from './filing.ts';

const daySeconds = 86_400;
const daysByDefault = 7;
/** RFC 5230 §4.1: a site's least and most. A day less could answer each message of a discussion. */
const daysMin = 1;
const daysMax = 60;
/** RFC 6131 §2 lets a site have a least of its own: no loop of two programs may be quicker. */
const secondsMin = 60;

function check(args: Arguments): void {
  const from = args.constant(':from');
  if (from !== undefined && oneAddress(from) === undefined)
    throw args.fault(':from', notAddress(from));
  for (const text of args.constants(':addresses')) {
    if (oneAddress(text) === undefined) throw args.fault(':addresses', notAddress(text));
  }
  checkSpecialUse(args);
}

function secondsOf(args: Arguments): number {
  if (args.has(':seconds')) {
    return Math.min(Math.max(args.number(':seconds'), secondsMin), daysMax * daySeconds);
  }
  const days = args.has(':days') ? args.number(':days') : daysByDefault;
  return Math.min(Math.max(days, daysMin), daysMax) * daySeconds;
}

function run(machine: Machine, args: Arguments): void {
  const { headers } = machine.message;
  const { envelope, ownAddresses } = machine.host;
  const text = (tag: string) => machine.optionalText(args, tag);
  const more = args.has(':addresses') ? machine.texts(args.texts(':addresses')) : [];
  const withheld = reasonNotToAnswer(headers, envelope.from, [
    envelope.to,
    ...ownAddresses,
    ...more,
  ]);
  const reason = machine.text(args.text('reason'));
  const from = text(':from');
  if (from !== undefined && oneAddress(from) === undefined)
    throw args.fault(':from', notAddress(from));
  const isMime = args.has(':mime');
  const vacation: Vacation = {
    action: 'vacation',
    ...(withheld === undefined ? { to: envelope.from } : { withheld }),
    ...(from === undefined ? {} : { from }),
    subject: text(':subject') ?? answeredSubject(headers.texts('subject')[0]),
    reason,
    ...(isMime ? { isMime: true } : {}),
    // RFC 5230 §4.2: without a handle, answers that differ in what they say are different ones.
    handle: text(':handle') ?? JSON.stringify([text(':subject') ?? '', from ?? '', isMime, reason]),
    seconds: secondsOf(args),
    ...fccOf(machine, args),
  };
  machine.outcome.add(vacation, args.at);
}

/** RFC 5230 §5.1: `Auto: ` before the subject that is answered. */
function answeredSubject(subject: string | undefined): string {
  return subject === undefined || subject === '' ? 'Automated reply' : `Auto: ${subject}`;
}

export const vacation: Extension = {
  names: ['vacation', 'vacation-seconds', 'fcc'],
  commands: [
    {
      name: 'vacation',
      extensions: ['vacation', 'vacation-seconds'],
      tags: [
        { name: 'days', value: 'number', group: 'period' },
        { name: 'seconds', value: 'number', group: 'period', extension: 'vacation-seconds' },
        { name: 'subject', value: 'string' },
        { name: 'from', value: 'string' },
        { name: 'addresses', value: 'strings' },
        { name: 'mime' },
        { name: 'handle', value: 'string' },
        ...fccTags,
      ],
      positional: [{ name: 'reason', kind: 'string' }],
      check,
      run,
    },
  ],
};
