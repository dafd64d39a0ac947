/**
 * What a sink's model is made of: rules that say when to disturb a client and how, and how a network's reputation moves.
 *
 * Runs in:   sink; types and lists only. `model-schema.ts` says how they are written in a file.
 */

export const faultPoints = [
  'connect',
  'handshake',
  'ehlo',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'bdat',
  'body',
  'message',
  'rset',
  'noop',
  'quit',
  'other',
] as const;
/**
 * Where a rule acts: before the reply to that command. `connect` is the greeting, `handshake` what TLS does after
 * STARTTLS or on a port that begins with it, `body` the bytes after DATA's 354 or in a BDAT chunk, `message` its end.
 */
export type FaultPoint = (typeof faultPoints)[number];

export const tlsFaults = ['stall', 'reset', 'garbage', 'injection', 'old-version'] as const;
/** `injection` puts plain text behind the 220 of STARTTLS, `old-version` offers nothing above TLS 1.1. */
export type TlsFault = (typeof tlsFaults)[number];

export const certificateKinds = [
  'valid',
  'expired',
  'not-yet-valid',
  'wrong-name',
  'self-signed',
  'unknown-ca',
  'revoked',
  'wrong-order',
  'no-intermediate',
] as const;
export type CertificateKind = (typeof certificateKinds)[number];

export const limitScopes = [
  'address',
  'network',
  'sender',
  'sender-domain',
  'recipient',
  'connection',
  'everyone',
] as const;
export type LimitScope = (typeof limitScopes)[number];

/** A rule with a limit strikes what goes over it; what it strikes uses nothing up. */
export interface LimitRule {
  readonly per: LimitScope;
  readonly countMax: number;
  /** So many in this time, and they come back evenly; without it, so many at once, or in a connection. */
  readonly seconds?: number;
  /** A network of score S may have only S % of it (at least 1). */
  readonly isScaled?: boolean;
}

/** RFC 6647: a triple of network, sender and recipient is put off until it comes back in time. */
export interface GreylistRule {
  readonly afterSeconds: number;
  /** Who comes back later than this starts again. */
  readonly withinSeconds?: number;
  /** A triple that passed does so for this long after its last message. */
  readonly keepSeconds?: number;
  /** A network of which this many triples passed is not put off any more. */
  readonly autoAllow?: number;
}

export interface QuotaRule {
  readonly messagesMax?: number;
  readonly bytesMax?: number;
  /** The recipient reads and deletes everything this often. */
  readonly emptiedSeconds?: number;
}

export const reputationEvents = ['invalid', 'limited', 'complaint'] as const;
export type ReputationEvent = (typeof reputationEvents)[number];

/**
 * Strikes when all its conditions hold. Rules of one point are tried in their order; one that answers or cuts ends it,
 * one that only delays or slows lets the next decide.
 */
export interface FaultRule {
  readonly at: FaultPoint;
  /** Chance from 0 to 1, drawn for each step. */
  readonly probability?: number;
  /** Only the Nth such step of a connection. */
  readonly nth?: number;
  /** Only each Nth such step of all connections. */
  readonly every?: number;
  /** An address or a network. */
  readonly client?: string;
  /** `*` stands for any text. */
  readonly sender?: string;
  readonly recipient?: string;
  /** This part of all addresses, always the same ones for a seed. */
  readonly recipientShare?: number;
  /** The client's network has less than `below`, and since then not reached `until` again. */
  readonly reputation?: { readonly below: number; readonly until?: number };
  readonly limit?: LimitRule;
  readonly quota?: QuotaRule;
  readonly greylist?: GreylistRule;

  /** A whole reply, as `451 4.3.0 Try again`; a 421 ends the session (RFC 5321 §3.8). */
  readonly reply?: string;
  readonly delayMs?: number;
  /** The reply waits this much longer for each refusal the connection has had. */
  readonly tarpit?: { readonly perRefusalMs: number; readonly delayMsMax: number };
  readonly drop?: 'reset' | 'close';
  /** With `drop` at `body`: when this many bytes have come. */
  readonly afterBytes?: number;
  /** From here on the connection is read no faster: the client's window fills. */
  readonly readBytesPerSecond?: number;
  readonly tls?: TlsFault;
  /** What this does to the network's reputation; a rule with a limit counts as `limited`. */
  readonly counts?: ReputationEvent;
}

/** Scores go from 0 to 100. */
export interface ReputationRules {
  readonly start: number;
  /** For each copy taken. */
  readonly perAccepted: number;
  readonly perInvalid: number;
  readonly perLimited: number;
  readonly perComplaint: number;
  /** Comes back with time, up to `start`. */
  readonly perHour: number;
  /** The chance that a copy taken is complained of. */
  readonly complaintShare: number;
  /** Recipients who complain of everything. */
  readonly complainers?: string;
}

export interface SinkModel {
  readonly name: string;
  readonly rules: readonly FaultRule[];
  /** After the host name in the 220. */
  readonly greeting?: string;
  /** The reply to a message taken. */
  readonly accepted?: string;
  readonly reputation?: ReputationRules;
  /** What is wrong with the certificate of listeners that speak TLS. */
  readonly certificate?: CertificateKind;
  readonly dns?: DnsModel;
}

export interface DnsModel {
  /** Below it every variant is a domain: `servfail.sink.test`. */
  readonly suffix?: string;
  /** Which variant other domains are; `*` is all that are not named. */
  readonly domains?: Readonly<Record<string, string>>;
}
