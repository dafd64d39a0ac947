/**
 * Asks a program of the operator's over HTTP what to do with a message.
 *
 * Runs in:   engine threads.
 * Limits:    those of `HttpCalls`. The message travels in Base64, a third longer.
 */

import { Buffer } from 'node:buffer';
import type { ScanFinding, ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { hookAnswer } from './hook-answer.ts';
import { type HookOptions, HookPosts } from './hook-posts.ts';

type Found = Exclude<ScanFinding, { kind: 'failed' }>;

export class HookTalk implements ScanTalk {
  readonly #posts: HookPosts;
  readonly #host: string;

  constructor(options: HookOptions) {
    this.#posts = new HookPosts(options);
    this.#host = new URL(options.url).host;
  }

  async scan(subject: ScanSubject, time: ScanTime): Promise<Found> {
    const { message, ...facts } = subject;
    const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString('base64');
    const answer = await this.#posts.post({ stage: 'data', ...facts, message: text }, time);
    const { infected, action, text: words, edits } = hookAnswer(answer);
    if (infected.length > 0) return { kind: 'infected', names: infected };
    const isClean = action === 'accept' && edits.length === 0;
    return isClean ? { kind: 'clean' } : { kind: 'decided', action, text: words, edits };
  }

  async check(time: ScanTime): Promise<string> {
    hookAnswer(await this.#posts.post({ stage: 'check' }, time));
    return this.#host;
  }

  close(): Promise<void> {
    return this.#posts.close();
  }
}
