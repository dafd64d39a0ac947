/**
 * From the connection to a session with a mailbox selected: greeting, STARTTLS, LOGIN, SELECT, each timed.
 *
 * Runs in:   load generator.
 * Specs:     RFC 9051 §6.2.1 (STARTTLS), §6.2.3 (LOGIN), §6.3.2 (SELECT), §7.1.4 (PREAUTH).
 * Invariant: a session opens only when its mailbox is selected; else it ends with what the server said.
 */

import type { Clock } from '../../../ports/clock.ts';
import { type Recorder, sessionOperation } from '../../measure/recorder.ts';
import type { Connection, TlsMode } from '../connection.ts';
import type { Credentials } from '../smtp/authentication.ts';
import { quoted } from './steps.ts';

export interface OpeningOptions {
  readonly tls: TlsMode;
  /** As it is written in a command. */
  readonly mailbox: string;
  readonly recorder: Recorder;
  readonly clock: Clock;
}

type Step = 'greeting' | 'starttls' | 'login' | 'select';

/** What a response led to: `failed` has the reason; on 'securing' all that was read and not taken must be forgotten. */
export type OpeningState = 'going' | 'securing' | 'open' | { readonly failed: string };

export class Opening {
  readonly #options: OpeningOptions;
  readonly #account: Credentials;
  readonly #connection: Connection;
  /** Writes a command with a tag of its own. */
  readonly #command: (text: string) => void;
  #step: Step = 'greeting';
  #phaseMs: number;

  constructor(
    options: OpeningOptions,
    account: Credentials,
    connection: Connection,
    command: (text: string) => void,
  ) {
    this.#options = options;
    this.#account = account;
    this.#connection = connection;
    this.#command = command;
    this.#phaseMs = options.clock.monotonicMs();
  }

  connected(): void {
    this.#endPhase('connect');
  }

  secured(): void {
    this.#endPhase('tls');
    if (this.#step === 'starttls') this.#logIn();
  }

  /** Takes an untagged response, `text` without its asterisk; all but the greeting are passed over. */
  takeUntagged(text: string): OpeningState {
    if (this.#step !== 'greeting') return 'going';
    this.#endPhase('greeting');
    const [state = ''] = text.split(' ');
    const isKnown = state.toUpperCase() === 'PREAUTH';
    if (!isKnown && state.toUpperCase() !== 'OK') return { failed: text };
    if (this.#options.tls === 'starttls') {
      // RFC 9051 §11.1: one who is greeted as known cannot begin TLS any more.
      if (isKnown) return { failed: 'the server offers no STARTTLS: it greets with PREAUTH' };
      this.#step = 'starttls';
      this.#command('STARTTLS');
    } else if (isKnown) this.#select();
    else this.#logIn();
    return 'going';
  }

  /** Takes what a command came to. */
  takeTagged(isGood: boolean, text: string): OpeningState {
    if (!isGood) return { failed: text };
    switch (this.#step) {
      case 'starttls':
        this.#connection.secure();
        return 'securing';
      case 'login':
        this.#endPhase('login');
        this.#select();
        return 'going';
      case 'select':
        this.#endPhase('select');
        return 'open';
      case 'greeting':
        return { failed: `before its greeting the server says ${text}` };
    }
  }

  #logIn(): void {
    this.#step = 'login';
    const { user, password } = this.#account;
    this.#command(`LOGIN ${quoted(user)} ${quoted(password)}`);
  }

  #select(): void {
    this.#step = 'select';
    this.#command(`SELECT ${this.#options.mailbox}`);
  }

  #endPhase(phase: string): void {
    const { clock, recorder } = this.#options;
    const nowMs = clock.monotonicMs();
    recorder.phase(sessionOperation, phase, nowMs - this.#phaseMs);
    this.#phaseMs = nowMs;
  }
}
