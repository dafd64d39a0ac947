/**
 * Posts to a hook, signed.
 *
 * Runs in:   engine threads, edge (main thread).
 * Limits:    those of `HttpCalls`.
 * Invariant: each request is signed, where there is a secret, as webhooks are.
 */

import { Buffer } from 'node:buffer';
import { bodySignature, signatureHeader } from '../../base/body-signature.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanTime } from '../scanning/guarded-scanner.ts';
import { HttpCalls } from '../scanning/http-calls.ts';

export interface HookOptions {
  readonly url: string;
  /** "": requests are not signed. */
  readonly secret: string;
  readonly connectionsMax: number;
  readonly connectMsMax: number;
  readonly clock: Clock;
}

export class HookPosts {
  readonly #options: HookOptions;
  readonly #calls: HttpCalls;
  readonly #path: string;

  constructor(options: HookOptions) {
    const { pathname, search } = new URL(options.url);
    this.#options = options;
    this.#path = `${pathname}${search}`;
    this.#calls = new HttpCalls({ ...options, at: options.url });
  }

  /** The answer's text. @throws ScanError */
  post(facts: object, time: ScanTime): Promise<string> {
    const { secret, clock } = this.#options;
    const body = Buffer.from(JSON.stringify(facts), 'utf8');
    const headers = ['content-type', 'application/json', 'user-agent', 'chaski'];
    if (secret !== '') headers.push(signatureHeader, bodySignature([secret], clock.nowMs(), body));
    return this.#calls.call({ method: 'POST', path: this.#path, headers, body }, time);
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
