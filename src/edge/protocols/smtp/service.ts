/**
 * What all sessions of one listener share: settings, ports, and replies encoded once.
 *
 * Runs in:   edge (main thread).
 */

import type { Buffer } from 'node:buffer';
import type { Reception } from '../../../actors/asks/reception.ts';
import type { Log } from '../../../base/log.ts';
import type { NetworkSet } from '../../../base/networks.ts';
import { hourMs, secondMs } from '../../../base/units.ts';
import { encodeLines, encodeReply } from '../../../mail/wire/smtp/reply.ts';
import type { AccountDirectory } from '../../../ports/account-directory.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { SessionScanners } from '../../../ports/session-scanners.ts';
import type { ConnectionFilters } from '../../filters/connection-filters.ts';
import type { LogIn as GuardedLogIn } from '../../guard/log-in.ts';
import type { FeedbackAddresses, ReversePath } from '../../guard/recipient-policy.ts';
import type { SendRates } from '../../guard/send-rates.ts';
import type { SuppressionGuard } from '../../guard/suppression-guard.ts';
import type { SessionObserver } from '../session/observer.ts';
import type { SmtpLimits } from './limits.ts';

export type Dialect = 'smtp' | 'lmtp';
export type ListenerName = 'smtp' | 'submission' | 'lmtp';

export interface LogIn extends GuardedLogIn {
  /** Without a log-in, no mail (RFC 6409 §4.3). */
  readonly isRequired: boolean;
}

/** What EHLO says of XCLIENT. NAME and where the client connected to are for the log. */
export const xclientAttributes = 'NAME ADDR PORT PROTO HELO DESTADDR DESTPORT';

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
  /** How long mail may be held back; 0: not at all. */
  readonly holdMsMax: number;
}

export interface SmtpServiceOptions {
  /** Label in metrics and logs, and how messages say they came. */
  readonly name: ListenerName;
  readonly policy: SmtpPolicy;
  readonly reception: Reception;
  readonly directory: AccountDirectory;
  /** Absent: nobody is suppressed. */
  readonly suppression?: SuppressionGuard;
  /** Absent: no address is a return path. */
  readonly returnPaths?: ReversePath;
  /** Absent: nothing comes back. */
  readonly feedback?: FeedbackAddresses;
  /** Absent: those who hand mail in name as many recipients as they like. */
  readonly sendRates?: SendRates;
  /** Absent: nobody is asked about strangers. */
  readonly filters?: ConnectionFilters;
  /** Absent: no scanner asks before DATA. */
  readonly scanners?: SessionScanners;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  /** Present: AUTH is offered, under TLS. */
  readonly logIn?: LogIn;
}

/** What a session can do as it stands. */
export interface SessionOffers {
  readonly canStartTls: boolean;
  readonly canXclient: boolean;
  readonly canLogIn: boolean;
  /** By which mechanisms. */
  readonly mechanisms: readonly string[];
  /** Say when, how soon and how urgently its mail is delivered. */
  readonly canSetTerms: boolean;
  /** Have its mail go under TLS all the way. */
  readonly canRequireTls: boolean;
}

export class SmtpService {
  readonly name: ListenerName;
  readonly dialect: Dialect;
  readonly reception: Reception;
  readonly directory: AccountDirectory;
  readonly suppression: SuppressionGuard | undefined;
  readonly returnPaths: ReversePath | undefined;
  readonly feedback: FeedbackAddresses | undefined;
  readonly sendRates: SendRates | undefined;
  readonly filters: ConnectionFilters | undefined;
  readonly scanners: SessionScanners | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly logIn: LogIn | undefined;
  policy: SmtpPolicy;
  banner: Buffer;
  /** Its first line, where a greeting has two. */
  teaser: Buffer;
  help: Buffer;
  /** Coarse monotonic time, set by the listener's sweep: reading a clock per read would cost more than it tells. */
  tickMs: number;
  isDraining = false;

  constructor(options: SmtpServiceOptions) {
    this.name = options.name;
    this.dialect = options.name === 'lmtp' ? 'lmtp' : 'smtp';
    this.reception = options.reception;
    this.directory = options.directory;
    this.suppression = options.suppression;
    this.returnPaths = options.returnPaths;
    this.feedback = options.feedback;
    this.sendRates = options.sendRates;
    this.filters = options.filters;
    this.scanners = options.scanners;
    this.clock = options.clock;
    this.log = options.log;
    this.observer = options.observer;
    this.logIn = options.logIn;
    this.tickMs = options.clock.monotonicMs();
    this.policy = options.policy;
    this.banner = this.#encodeBanner();
    this.teaser = this.#encodeTeaser();
    this.help = encodeReply('214 2.0.0 See RFC 5321');
  }

  /** Takes new settings; sessions see them with their next command. */
  setPolicy(policy: SmtpPolicy): void {
    this.policy = policy;
    this.banner = this.#encodeBanner();
    this.teaser = this.#encodeTeaser();
    this.#greetings.clear();
  }

  readonly #greetings = new Map<string, Buffer>();
  #greetingsHour = 0;

  /** The EHLO or LHLO reply: advertises exactly what works in this session as it stands. */
  greeting(offers: SessionOffers): Buffer {
    const { canStartTls, canXclient, canLogIn, canSetTerms, canRequireTls } = offers;
    const hour = Math.floor(this.clock.nowMs() / hourMs);
    // FUTURERELEASE says an instant.
    if (hour !== this.#greetingsHour) this.#greetings.clear();
    this.#greetingsHour = hour;
    const bits = [canStartTls, canXclient, canLogIn, canSetTerms, canRequireTls];
    const sum = bits.reduce((sum, is, bit) => sum + (is ? 1 << bit : 0), 0);
    const mechanisms = canLogIn ? offers.mechanisms.join(' ') : '';
    const key = `${sum} ${mechanisms}`;
    let greeting = this.#greetings.get(key);
    if (greeting === undefined) {
      greeting = encodeLines(250, this.#keywords(offers, mechanisms));
      this.#greetings.set(key, greeting);
    }
    return greeting;
  }

  #keywords(offers: SessionOffers, mechanisms: string): string[] {
    const { canStartTls, canXclient, canLogIn, canSetTerms, canRequireTls } = offers;
    const { hostname, limits, offersBinaryMime, holdMsMax } = this.policy;
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
    if (canRequireTls) keywords.push('REQUIRETLS');
    if (canLogIn) keywords.push(`AUTH ${mechanisms}`);
    if (canXclient) {
      keywords.push(`XCLIENT ${xclientAttributes}${this.logIn === undefined ? '' : ' LOGIN'}`);
    }
    if (canSetTerms) {
      if (holdMsMax > 0) {
        const untilMs = this.#greetingsHour * hourMs + holdMsMax;
        const until = new Date(untilMs).toISOString().replace(/\.\d+/, '');
        keywords.push(`FUTURERELEASE ${Math.floor(holdMsMax / secondMs)} ${until}`);
      }
      keywords.push('DELIVERBY', 'MT-PRIORITY');
    }
    const announced = announcedLimits(limits);
    if (announced !== '') keywords.push(`LIMITS${announced}`);
    if (this.dialect === 'smtp') keywords.push('VRFY');
    keywords.push('HELP');
    return keywords;
  }

  #encodeTeaser(): Buffer {
    return encodeReply(`220-${this.policy.hostname} One moment`);
  }

  #encodeBanner(): Buffer {
    return encodeReply(`220 ${this.policy.hostname} ${this.dialect === 'lmtp' ? 'LMTP' : 'ESMTP'}`);
  }
}

/** RFC 9422 §4: what a client may send before it meets a refusal; values have six digits at most. */
function announcedLimits(limits: SmtpLimits): string {
  const valueMax = 999_999;
  const entries = { MAILMAX: limits.messagesMax, RCPTMAX: limits.recipientsMax };
  return Object.entries(entries)
    .filter(([, value]) => value <= valueMax)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('');
}
