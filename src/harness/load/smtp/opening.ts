/**
 * From the connection to a session that may send mail: greeting, EHLO or LHLO, STARTTLS, AUTH, each timed.
 *
 * Runs in:   load generator.
 * Specs:     RFC 5321 §3.1, RFC 2033 §4.1 (LHLO), RFC 3207 (STARTTLS), RFC 4954 (AUTH).
 * Invariant: a session opens only when all it was asked for was had; else it ends with what is missing.
 */

import { Buffer } from 'node:buffer';
import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import { type Recorder, sessionOperation } from '../../measure/recorder.ts';
import type { Connection, TlsMode } from '../connection.ts';
import {
  type Authentication,
  beginAuthentication,
  type Credentials,
  chooseMechanism,
  type Mechanism,
} from './authentication.ts';

const nonceBytes = 18;

export interface OpeningOptions {
  readonly lmtp: boolean;
  readonly tls: TlsMode;
  readonly helloName: string;
  readonly mechanism: Mechanism | undefined;
  /** Keywords of EHLO that the load is to use. */
  readonly wanted: readonly string[];
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
}

type Step = 'greeting' | 'ehlo' | 'starttls' | 'auth';

/** What one reply led to: `failed` has the reason; on 'securing' all that was read and not taken must be forgotten. */
export type OpeningState = 'going' | 'securing' | 'open' | { readonly failed: string };

export class Opening {
  readonly #options: OpeningOptions;
  readonly #credentials: Credentials | undefined;
  readonly #connection: Connection;
  #step: Step = 'greeting';
  #isSecure: boolean;
  #phaseMs: number;
  #authentication: Authentication | undefined;
  #keywords: ReadonlySet<string> = new Set();

  constructor(
    options: OpeningOptions,
    credentials: Credentials | undefined,
    connection: Connection,
  ) {
    this.#options = options;
    this.#credentials = credentials;
    this.#connection = connection;
    this.#isSecure = options.tls === 'implicit';
    this.#phaseMs = options.clock.monotonicMs();
  }

  /** Keywords of the server's EHLO, in capitals. */
  get keywords(): ReadonlySet<string> {
    return this.#keywords;
  }

  connected(): void {
    this.#endPhase('connect');
  }

  secured(): void {
    this.#endPhase('tls');
    this.#isSecure = true;
    if (this.#step === 'starttls') this.#hello();
  }

  /** Takes a reply and goes on. */
  take(code: number, text: string): OpeningState {
    switch (this.#step) {
      case 'greeting':
        this.#endPhase('greeting');
        if (code !== 220) return { failed: text };
        this.#hello();
        return 'going';
      case 'ehlo':
        this.#endPhase('ehlo');
        if (code !== 250) return { failed: text };
        this.#keywords = readKeywords(text);
        return this.#afterHello();
      case 'starttls':
        if (code !== 220) return { failed: text };
        this.#connection.secure();
        return 'securing';
      case 'auth':
        return this.#authenticate(code, text);
    }
  }

  #hello(): void {
    this.#step = 'ehlo';
    const { lmtp, helloName } = this.#options;
    this.#connection.write(`${lmtp ? 'LHLO' : 'EHLO'} ${helloName}\r\n`);
  }

  #afterHello(): OpeningState {
    const { tls, wanted, mechanism } = this.#options;
    if (tls === 'starttls' && !this.#isSecure) {
      if (!this.#keywords.has('STARTTLS')) return { failed: 'the server offers no STARTTLS' };
      this.#step = 'starttls';
      this.#connection.write('STARTTLS\r\n');
      return 'going';
    }
    const missing = wanted.find((keyword) => !this.#keywords.has(keyword));
    if (missing !== undefined) return { failed: `the server offers no ${missing}` };
    if (this.#credentials === undefined) return 'open';
    const offered = offeredMechanisms(this.#keywords);
    const chosen = chooseMechanism(offered, mechanism, this.#isSecure);
    if (chosen === undefined) return { failed: 'the server offers no AUTH we know' };
    const nonce = () => Buffer.from(this.#options.random.bytes(nonceBytes)).toString('base64');
    this.#authentication = beginAuthentication(chosen, this.#credentials, nonce);
    this.#step = 'auth';
    this.#connection.write(this.#authentication.command);
    return 'going';
  }

  #authenticate(code: number, text: string): OpeningState {
    if (code === 334) {
      try {
        this.#connection.write(this.#authentication!.answer(text.slice(4)));
        return 'going';
      } catch (error) {
        return { failed: (error as Error).message };
      }
    }
    this.#endPhase('auth');
    return code === 235 ? 'open' : { failed: text };
  }

  #endPhase(phase: string): void {
    const { clock, recorder } = this.#options;
    const nowMs = clock.monotonicMs();
    recorder.phase(sessionOperation, phase, nowMs - this.#phaseMs);
    this.#phaseMs = nowMs;
  }
}

/** `AUTH PLAIN LOGIN` becomes "AUTH", "AUTH PLAIN", "AUTH LOGIN". */
function readKeywords(text: string): ReadonlySet<string> {
  const keywords = new Set<string>();
  for (const line of text.split('\n').slice(1)) {
    const [keyword = '', ...parameters] = line.slice(4).trim().toUpperCase().split(/\s+/);
    keywords.add(keyword);
    for (const each of parameters) keywords.add(`${keyword} ${each}`);
  }
  return keywords;
}

function offeredMechanisms(keywords: ReadonlySet<string>): ReadonlySet<string> {
  const prefix = 'AUTH ';
  const offered = [...keywords].filter((keyword) => keyword.startsWith(prefix));
  return new Set(offered.map((keyword) => keyword.slice(prefix.length).toLowerCase()));
}
