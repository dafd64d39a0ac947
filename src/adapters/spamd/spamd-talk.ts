/**
 * Asks SpamAssassin's daemon for a message's score and the rules that fired.
 *
 * Runs in:   engine threads.
 * Specs:     SPAMC protocol 1.5 (`SYMBOLS`, `PING`).
 * Limits:    one connection a message; an answer of `answerBytesMax`.
 * Invariant: spamd is shown where the message came from: trace fields of ours are put before it. What no answer of this
 *            protocol can be is `broken`, never a score.
 */

import { Buffer } from 'node:buffer';
import type { Clock } from '../../ports/clock.ts';
import type { ScanFinding, ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanError } from '../scanning/scan-error.ts';
import { ScanLine } from '../scanning/scan-line.ts';
import { traceFieldsOf } from '../scanning/trace-fields.ts';
import { oneLine, plainNames, plainText } from '../scanning/words.ts';

const answerBytesMax = 65_536;

type SpamdFound = Extract<ScanFinding, { kind: 'scored' }>;

interface Answer {
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  readonly version: string;
}

export class SpamdTalk implements ScanTalk {
  readonly #place: ScanPlace;
  readonly #clock: Clock;
  readonly #user: string;

  /** `user`: whose preferences spamd goes by; "": its own choice, "{recipient}": the only recipient's. */
  constructor(place: ScanPlace, clock: Clock, user: string) {
    this.#place = place;
    this.#clock = clock;
    this.#user = user;
  }

  async scan(subject: ScanSubject, time: ScanTime): Promise<SpamdFound> {
    const trace = Buffer.from(traceFieldsOf(subject), 'utf8');
    const user = oneLine(this.#userFor(subject));
    const head =
      'SYMBOLS SPAMC/1.5\r\n' +
      `Content-length: ${trace.length + subject.message.length}\r\n` +
      `${user === '' ? '' : `User: ${user}\r\n`}\r\n`;
    const { fields, body } = await this.#ask(head, [trace, subject.message], time);
    const spam = fields.get('spam') ?? '';
    const found =
      /^(true|false|yes|no) *; *(-?\d{1,9}(?:\.\d{1,9})?) *\/ *(-?\d{1,9}(?:\.\d{1,9})?)$/i.exec(
        spam,
      );
    if (found === null) throw new ScanError('broken', `no score: ${plainText(spam)}`);
    const isSpam = /^(true|yes)$/i.test(found[1]!);
    return {
      kind: 'scored',
      score: Number(found[2]),
      threshold: Number(found[3]),
      rules: plainNames(body.split(/[,\s]+/)).map((name) => ({ name })),
      action: isSpam ? 'add-header' : 'accept',
      ...{ text: '', edits: [] },
    };
  }

  async check(time: ScanTime): Promise<string> {
    const { version } = await this.#ask('PING SPAMC/1.5\r\n\r\n', [], time);
    return `SPAMD/${version}`;
  }

  async close(): Promise<void> {}

  #userFor({ recipients }: ScanSubject): string {
    if (this.#user !== '{recipient}') return this.#user;
    return recipients.length === 1 ? recipients[0]! : '';
  }

  async #ask(head: string, parts: readonly Uint8Array[], time: ScanTime): Promise<Answer> {
    const limits = { answerBytesMax, answersBytesMax: answerBytesMax };
    const line = await ScanLine.open(this.#place, time, this.#clock, limits);
    try {
      await line.send([Buffer.from(head, 'utf8'), ...parts]);
      return answerOf((await line.readToEnd()).toString('latin1'));
    } finally {
      line.destroy();
    }
  }
}

/** EX_TEMPFAIL and the like (sysexits.h) stand in the first line. */
const codeOk = 0;

function answerOf(text: string): Answer {
  const [, version, code, word] = /^SPAMD\/(\d+\.\d+) (\d{1,3}) ([A-Z_]+)\r\n/.exec(text) ?? [];
  if (version === undefined) throw new ScanError('broken', 'no answer of spamd');
  if (Number(code) !== codeOk) throw new ScanError('unable', `${code} ${plainText(word!)}`);
  const firstEnd = text.indexOf('\r\n') + 2;
  const isPong = word === 'PONG';
  const headEnd = text.indexOf('\r\n\r\n');
  if (isPong) return { fields: new Map(), body: '', version };
  if (headEnd < 0) throw new ScanError('broken', 'it ended within its answer');
  const fields = new Map<string, string>();
  for (const field of text.slice(firstEnd, headEnd).split('\r\n')) {
    const colon = field.indexOf(':');
    if (colon > 0) fields.set(field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim());
  }
  const body = text.slice(headEnd + 4);
  const length = Number(fields.get('content-length') ?? body.length);
  if (length !== body.length) throw new ScanError('broken', 'it ended within its answer');
  return { fields, body, version };
}
