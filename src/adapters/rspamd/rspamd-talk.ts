/**
 * Asks Rspamd for a message's score, what to do with it and how to change it.
 *
 * Runs in:   engine threads.
 * Specs:     Rspamd's HTTP protocol: `/checkv2` with the envelope in header fields, `/ping`.
 * Limits:    those of `HttpCalls`.
 */

import { Buffer } from 'node:buffer';
import type { ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { HttpCalls, type HttpCallsOptions } from '../scanning/http-calls.ts';
import { ScanError } from '../scanning/scan-error.ts';
import { oneLine, plainText } from '../scanning/words.ts';
import { rspamdAnswer } from './rspamd-answer.ts';

export class RspamdTalk implements ScanTalk {
  readonly #calls: HttpCalls;
  readonly #password: string;

  /** `password`: of the worker, "" where its address is trusted. */
  constructor(options: HttpCallsOptions, password: string) {
    this.#calls = new HttpCalls(options);
    this.#password = password;
  }

  async scan(subject: ScanSubject, time: ScanTime) {
    const request = { method: 'POST', path: '/checkv2', body: subject.message } as const;
    const headers = this.#headersFor(subject);
    return rspamdAnswer(await this.#calls.call({ ...request, headers }, time));
  }

  async check(time: ScanTime): Promise<string> {
    const pong = await this.#calls.call({ method: 'GET', path: '/ping', headers: [] }, time);
    if (pong.trim() !== 'pong') throw new ScanError('broken', `it said: ${plainText(pong)}`);
    return 'rspamd';
  }

  close(): Promise<void> {
    return this.#calls.close();
  }

  #headersFor(subject: ScanSubject): readonly string[] {
    const { peerAddress, helo, sender, recipients, user, queueId, hostname, tls } = subject;
    const headers = ['IP', peerAddress, 'Helo', helo, 'From', `<${sender}>`, 'Queue-Id', queueId];
    headers.push('MTA-Name', hostname, 'User-Agent', 'chaski');
    for (const recipient of recipients) headers.push('Rcpt', recipient);
    if (user !== '') headers.push('User', user);
    if (tls !== undefined) headers.push('TLS-Version', tls.version, 'TLS-Cipher', tls.cipher);
    if (this.#password !== '') headers.push('Password', this.#password);
    // Header fields are bytes to it: an address in UTF-8 arrives as it is.
    return headers.map((word) => Buffer.from(oneLine(word), 'utf8').toString('latin1'));
  }
}
