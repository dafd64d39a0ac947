/**
 * Asks a program of the operator's over HTTP what to do with a message.
 *
 * Runs in:   engine threads.
 * Limits:    those of `HttpCalls`. The message travels in Base64, a third longer.
 * Invariant: each request is signed, where there is a secret, as webhooks are.
 */

import { Buffer } from 'node:buffer';
import { bodySignature, signatureHeader } from '../../base/body-signature.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanFinding, ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { HttpCalls } from '../scanning/http-calls.ts';
import { hookAnswer } from './hook-answer.ts';

export interface HookOptions {
  readonly url: string;
  /** "": requests are not signed. */
  readonly secret: string;
  readonly connectionsMax: number;
  readonly connectMsMax: number;
  readonly clock: Clock;
}

type Found = Exclude<ScanFinding, { kind: 'failed' }>;

export class HookTalk implements ScanTalk {
  readonly #options: HookOptions;
  readonly #calls: HttpCalls;
  readonly #path: string;

  constructor(options: HookOptions) {
    const { pathname, search } = new URL(options.url);
    this.#options = options;
    this.#path = `${pathname}${search}`;
    this.#calls = new HttpCalls({ ...options, at: options.url });
  }

  async scan(subject: ScanSubject, time: ScanTime): Promise<Found> {
    const { message, ...facts } = subject;
    const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString('base64');
    const answer = await this.#post({ stage: 'data', ...facts, message: text }, time);
    const { infected, action, text: words, edits } = hookAnswer(answer);
    if (infected.length > 0) return { kind: 'infected', names: infected };
    const isClean = action === 'accept' && edits.length === 0;
    return isClean ? { kind: 'clean' } : { kind: 'decided', action, text: words, edits };
  }

  async check(time: ScanTime): Promise<string> {
    hookAnswer(await this.#post({ stage: 'check' }, time));
    return new URL(this.#options.url).host;
  }

  close(): Promise<void> {
    return this.#calls.close();
  }

  #post(facts: object, time: ScanTime): Promise<string> {
    const { secret, clock } = this.#options;
    const body = Buffer.from(JSON.stringify(facts), 'utf8');
    const headers = ['content-type', 'application/json', 'user-agent', 'chaski'];
    if (secret !== '') headers.push(signatureHeader, bodySignature([secret], clock.nowMs(), body));
    return this.#calls.call({ method: 'POST', path: this.#path, headers, body }, time);
  }
}
