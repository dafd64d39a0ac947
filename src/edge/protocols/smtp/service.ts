/**
 * What all sessions of one listener share: settings, ports, and replies encoded once.
 *
 * Runs in:   accept threads.
 */

import type { Buffer } from 'node:buffer';
import type { Reception } from '../../../actors/asks/reception.ts';
import type { Log } from '../../../base/log.ts';
import { encodeLines, encodeReply } from '../../../mail/wire/smtp/reply.ts';
import type { AccountDirectory } from '../../../ports/account-directory.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { NetworkSet } from '../../guard/networks.ts';
import type { SmtpLimits } from './limits.ts';
import type { SessionObserver } from './observer.ts';

export type Dialect = 'smtp' | 'lmtp';

/** What a listener says of itself and whom it trusts. All of it may change while sessions run. */
export interface SmtpPolicy {
  /** Our name in the greeting, EHLO and Received. */
  readonly hostname: string;
  readonly limits: SmtpLimits;
  /** Clients that may relay. */
  readonly relayNetworks: NetworkSet;
  /** Clients that may use XCLIENT. */
  readonly xclientNetworks: NetworkSet;
  /** Whether a next step can carry binary messages; CHUNKING alone does not need it. */
  readonly offersBinaryMime: boolean;
}

export interface SmtpServiceOptions {
  /** Label in metrics and logs: `smtp`, `lmtp`. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly policy: SmtpPolicy;
  readonly reception: Reception;
  readonly directory: AccountDirectory;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
}

export class SmtpService {
  readonly name: string;
  readonly dialect: Dialect;
  readonly reception: Reception;
  readonly directory: AccountDirectory;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  policy: SmtpPolicy;
  banner: Buffer;
  help: Buffer;
  /** Coarse monotonic time, set by the listener's sweep: reading a clock per read would cost more than it tells. */
  tickMs: number;
  isDraining = false;

  constructor(options: SmtpServiceOptions) {
    this.name = options.name;
    this.dialect = options.dialect;
    this.reception = options.reception;
    this.directory = options.directory;
    this.clock = options.clock;
    this.log = options.log;
    this.observer = options.observer;
    this.tickMs = options.clock.monotonicMs();
    this.policy = options.policy;
    this.banner = this.#encodeBanner();
    this.help = encodeReply('214 2.0.0 See RFC 5321');
  }

  /** Takes new settings; sessions see them with their next command. */
  setPolicy(policy: SmtpPolicy): void {
    this.policy = policy;
    this.banner = this.#encodeBanner();
    this.#greetings.clear();
  }

  readonly #greetings = new Map<number, Buffer>();

  /** The EHLO or LHLO reply: advertises exactly what works in this session as it stands. */
  greeting(canStartTls: boolean, canXclient: boolean): Buffer {
    const key = (canStartTls ? 1 : 0) | (canXclient ? 2 : 0);
    let greeting = this.#greetings.get(key);
    if (greeting === undefined) {
      greeting = encodeLines(250, this.#keywords(canStartTls, canXclient));
      this.#greetings.set(key, greeting);
    }
    return greeting;
  }

  #keywords(canStartTls: boolean, canXclient: boolean): string[] {
    const { hostname, limits, offersBinaryMime } = this.policy;
    const keywords = [
      hostname,
      'PIPELINING',
      `SIZE ${limits.messageBytesMax}`,
      '8BITMIME',
      'SMTPUTF8',
      'ENHANCEDSTATUSCODES',
      'DSN',
      'CHUNKING',
    ];
    if (offersBinaryMime) keywords.push('BINARYMIME');
    if (canStartTls) keywords.push('STARTTLS');
    if (canXclient) keywords.push('XCLIENT NAME ADDR PORT PROTO HELO');
    // RFC 9422 §4: what a client may send before it meets a refusal.
    keywords.push(`LIMITS MAILMAX=${limits.messagesMax} RCPTMAX=${limits.recipientsMax}`);
    if (this.dialect === 'smtp') keywords.push('VRFY');
    keywords.push('HELP');
    return keywords;
  }

  #encodeBanner(): Buffer {
    return encodeReply(`220 ${this.policy.hostname} ${this.dialect === 'lmtp' ? 'LMTP' : 'ESMTP'}`);
  }
}
