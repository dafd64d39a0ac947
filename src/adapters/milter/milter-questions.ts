/**
 * What a milter is asked about connection, greeting, sender and recipients.
 *
 * Runs in:   engine threads, edge (main thread); pure.
 * Specs:     the milter protocol, version 6 (libmilter's mfdef.h).
 */

import { Buffer } from 'node:buffer';
import type { CarriedKnown } from '../../ports/carried-scans.ts';
import type { ScanSubject } from '../../ports/content-scanner.ts';
import { oneLine } from '../scanning/words.ts';
import { recipientsToTell } from './milter-carried.ts';
import { steps, texts } from './milter-words.ts';

/** What a question is told before it, and which steps leave it or its answer out. */
export interface Question {
  readonly command: string;
  readonly data: Uint8Array | string;
  readonly macros: Readonly<Record<string, string>>;
  readonly noStep: number;
  readonly noReply: number;
}

type ClientFacts = Pick<ScanSubject, 'hostname' | 'peerAddress' | 'peerPort'>;
type MailFacts = Pick<ScanSubject, 'sender' | 'user' | 'queueId'>;

export function step(
  command: string,
  data: Uint8Array | string,
  noStep: number,
  noReply: number,
): Question {
  return { command, data, macros: {}, noStep, noReply };
}

export function connectQuestion(facts: ClientFacts): Question {
  const { hostname, peerAddress } = facts;
  return {
    ...step('C', connectData(facts), steps.noConnect, steps.noReplyConnect),
    macros: { j: hostname, '{daemon_name}': 'chaski', v: 'chaski', _: `[${peerAddress}]` },
  };
}

export function heloQuestion({ helo, tls }: Pick<ScanSubject, 'helo' | 'tls'>): Question {
  return {
    ...step('H', texts(oneLine(helo)), steps.noHelo, steps.noReplyHelo),
    macros: tls === undefined ? {} : { '{tls_version}': tls.version, '{cipher}': tls.cipher },
  };
}

/** `queueId` is "" where there is no message yet. */
export function mailQuestion({ sender, user, queueId }: MailFacts): Question {
  return {
    ...step('M', texts(`<${oneLine(sender)}>`), steps.noMail, steps.noReplyMail),
    macros: {
      ...{ ...idMacro(queueId), '{mail_addr}': sender },
      ...(user === '' ? {} : { '{auth_authen}': user, '{auth_type}': 'PLAIN' }),
    },
  };
}

export function rcptQuestion(recipient: string, queueId: string): Question {
  return {
    ...step('R', texts(`<${oneLine(recipient)}>`), steps.noRecipients, steps.noReplyRecipient),
    macros: { ...idMacro(queueId), '{rcpt_addr}': recipient },
  };
}

/** All that `known` does not say was told. */
export function* envelopeQuestions(
  subject: ScanSubject,
  known?: CarriedKnown,
): Generator<Question> {
  const { queueId } = subject;
  if (known === undefined) yield connectQuestion(subject);
  if (known?.isHeloTold !== true) yield heloQuestion(subject);
  if (known?.isSenderTold !== true) yield mailQuestion(subject);
  for (const recipient of recipientsToTell(subject, known)) yield rcptQuestion(recipient, queueId);
  yield { ...step('T', '', steps.noData, steps.noReplyData), macros: { i: queueId } };
}

function idMacro(queueId: string): Readonly<Record<string, string>> {
  return queueId === '' ? {} : { i: queueId };
}

function connectData({ peerAddress, peerPort }: ClientFacts): Uint8Array {
  const family = peerAddress.includes(':') ? '6' : peerAddress.includes('.') ? '4' : 'U';
  const name = texts(family === 'U' ? 'localhost' : `[${oneLine(peerAddress)}]`);
  if (family === 'U') return Buffer.from(`${name}U`, 'utf8');
  const port = Buffer.from([peerPort >> 8, peerPort & 0xff]);
  return Buffer.concat([
    Buffer.from(`${name}${family}`),
    port,
    Buffer.from(texts(oneLine(peerAddress))),
  ]);
}
