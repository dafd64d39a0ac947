/**
 * Reads what a milter answers, and gathers the changes it asks for.
 *
 * Runs in:   engine threads; pure.
 * Specs:     the milter protocol, version 6 (libmilter's mfdef.h).
 * Invariant: a change that was not agreed on, and a packet that is none, throw.
 */

import type { Buffer } from 'node:buffer';
import { editsMax, type ScanAction, type ScanEdit } from '../../ports/content-scanner.ts';
import { ScanError } from '../scanning/scan-error.ts';
import { smtpReplyOf } from '../scanning/smtp-reply.ts';
import { addressOf, fieldNameOf, fieldValueOf, plainText } from '../scanning/words.ts';
import { changes } from './milter-words.ts';

export interface Decision {
  readonly action: ScanAction;
  readonly text: string;
}

/** One packet: `go-on` with the next step, `skip` the rest of the body, or the end of the questions. */
export type Said = 'go-on' | 'skip' | 'progress' | 'change' | Decision;

const broken = (why: string) => new ScanError('broken', why);

export class MilterChanges {
  readonly #agreed: number;
  readonly #bytesMax: number;
  readonly edits: ScanEdit[] = [];
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;
  /** Why it is held; undefined: it is not. */
  quarantine: string | undefined;

  constructor(agreed: number, bytesMax: number) {
    this.#agreed = agreed;
    this.#bytesMax = bytesMax;
  }

  /** All of them, once there are no more. */
  all(): readonly ScanEdit[] {
    const { edits } = this;
    if (this.#body.length === 0) return edits;
    const body = new Uint8Array(this.#bodyBytes);
    let at = 0;
    for (const part of this.#body) {
      body.set(part, at);
      at += part.length;
    }
    return [...edits, { kind: 'replace-body', body }];
  }

  /** False: the packet is no change. @throws ScanError */
  take(command: string, data: Buffer): boolean {
    const change = readers[command];
    if (change === undefined) return false;
    const [needed, read] = change;
    if ((this.#agreed & needed) === 0) throw broken(`a change that was not agreed on: ${command}`);
    read(this, data);
    if (this.edits.length > editsMax) throw broken('changes without end');
    return true;
  }

  addBody(data: Buffer): void {
    this.#bodyBytes += data.length;
    if (this.#bodyBytes > this.#bytesMax) throw broken('a body without end');
    this.#body.push(data);
  }
}

type Reader = (changes: MilterChanges, data: Buffer) => void;

const readers: Readonly<Record<string, readonly [needed: number, read: Reader]>> = {
  h: [
    changes.addFields,
    ({ edits }, data) => {
      const [name, value] = textsIn(data, 2);
      edits.push({ kind: 'add-field', name: fieldNameOf(name!), value: fieldValueOf(value!) });
    },
  ],
  i: [
    changes.addFields,
    ({ edits }, data) => {
      const [at, [name, value]] = numbered(data);
      const field = { name: fieldNameOf(name!), value: fieldValueOf(value!) };
      edits.push({ kind: 'add-field', ...field, at });
    },
  ],
  m: [
    changes.changeFields,
    ({ edits }, data) => {
      const [nth, [name, value]] = numbered(data);
      const field = { name: fieldNameOf(name!), value: fieldValueOf(value!) };
      edits.push({ kind: 'change-field', ...field, nth: Math.max(1, nth) });
    },
  ],
  b: [changes.replaceBody, (all, data) => all.addBody(data)],
  e: [
    changes.changeSender,
    ({ edits }, data) => {
      edits.push({ kind: 'change-sender', address: addressOf(textsIn(data, 1)[0]!) });
    },
  ],
  '+': [
    changes.addRecipients,
    ({ edits }, data) => {
      edits.push({ kind: 'add-recipient', address: addressOf(textsIn(data, 1)[0]!) });
    },
  ],
  '2': [
    changes.addRecipientsWithTerms,
    ({ edits }, data) => {
      edits.push({ kind: 'add-recipient', address: addressOf(textsIn(data, 1)[0]!) });
    },
  ],
  '-': [
    changes.removeRecipients,
    ({ edits }, data) => {
      edits.push({ kind: 'remove-recipient', address: addressOf(textsIn(data, 1)[0]!) });
    },
  ],
  q: [
    changes.quarantine,
    (all, data) => {
      all.quarantine = plainText(textsIn(data, 1)[0]!);
    },
  ],
};

/** What is no change. @throws ScanError */
export function saidBy(command: string, data: Buffer): Exclude<Said, 'change'> {
  switch (command) {
    case 'c':
      return 'go-on';
    case 's':
      return 'skip';
    case 'p':
      return 'progress';
    case 'a':
      return { action: 'accept', text: '' };
    case 'd':
      return { action: 'discard', text: '' };
    case 'r':
      return { action: 'reject', text: '' };
    case 't':
    case '4':
    case 'f':
      return { action: 'defer', text: '' };
    case 'y':
      return replyOf(textsIn(data, 1)[0]!);
    default:
      throw broken(`an answer of an unknown kind: ${plainText(command)}`);
  }
}

/** `550 5.7.1 text`, of several lines maybe, with each % doubled. */
function replyOf(text: string): Decision {
  const lines = text
    .replaceAll('%%', '%')
    .split(/\r?\n/)
    .filter((line) => line !== '');
  const again = /^\d{3}[ -](?:[245]\.\d{1,3}\.\d{1,3} ?)?/;
  const words = lines.map((line, at) => (at === 0 ? line : line.replace(again, '')));
  const action = text.startsWith('4') ? 'defer' : 'reject';
  return { action, text: smtpReplyOf(words.join(' '), action) };
}

function numbered(data: Buffer): readonly [number, readonly string[]] {
  if (data.length < 4) throw broken('half a packet');
  return [data.readUInt32BE(0), textsIn(data.subarray(4), 2)];
}

/** So many at least, each ended by a NUL. */
function textsIn(data: Buffer, count: number): readonly string[] {
  const found = data.toString('utf8').split('\0');
  if (found.length <= count) throw broken('half a packet');
  return found.slice(0, -1);
}
