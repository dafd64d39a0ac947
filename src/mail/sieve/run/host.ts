/**
 * What a run learns from outside the message. All of it is there at once: a run never waits.
 *
 * Specs:     RFC 5183 (environment), RFC 5228 §5.4 (envelope), RFC 5490 (mailboxes and metadata), RFC 5235 (verdicts),
 *            RFC 6134 (lists), RFC 7352 (duplicates).
 */

export interface SieveEnvelope {
  /** "" for the null reverse-path. */
  readonly from: string;
  readonly to: string;
  /** The log-in name of whoever submitted the message. */
  readonly auth?: string;
}

export interface SieveMailboxes {
  /** Whether the account may put mail into it. */
  exists(mailbox: string): boolean;
  existsById(mailboxId: string): boolean;
  /** `mailbox` undefined: any of the account's own. `use` with its backslash. */
  hasSpecialUse(mailbox: string | undefined, use: string): boolean;
  metadata(mailbox: string, entry: string): string | undefined;
  serverMetadata(entry: string): string | undefined;
}

export interface SieveLists {
  isKnown(list: string): boolean;
  contains(list: string, value: string): boolean;
  /** Addresses alone: not what stands for many. */
  members(list: string): readonly string[];
}

export interface SieveVerdict {
  /** 0: surely no spam; 100: surely spam. Undefined: nobody looked. */
  readonly spamPercent?: number;
  /** RFC 5235 §2.4: 1 is clean, 5 surely infected. Undefined: nobody looked. */
  readonly virus?: 1 | 2 | 3 | 4 | 5;
}

export interface SieveHost {
  readonly envelope: SieveEnvelope;
  /** Other addresses of the account (RFC 5230 §4.5). */
  readonly ownAddresses: readonly string[];
  readonly nowMs: number;
  /** Of a message that lies in a mailbox: those it has (RFC 6785 §3.8). */
  readonly flags?: readonly string[];
  /** Minutes east of UTC where the account is. */
  readonly zoneMinutes: number;
  /** Between the user and the detail of a local part; "" where the site has none. */
  readonly detailSeparator: string;
  environment(item: string): string | undefined;
  readonly mailboxes: SieveMailboxes;
  readonly lists: SieveLists;
  readonly verdict: SieveVerdict;
  /** Whether the identifier was remembered, and how long ago. */
  rememberedMs(key: string): number | undefined;
}

/** A host that knows the envelope and nothing else. */
export function plainHost(envelope: SieveEnvelope, nowMs: number): SieveHost {
  return {
    envelope,
    ownAddresses: [],
    nowMs,
    zoneMinutes: 0,
    detailSeparator: '+',
    environment: () => undefined,
    mailboxes: {
      exists: () => true,
      existsById: () => false,
      hasSpecialUse: () => false,
      metadata: () => undefined,
      serverMetadata: () => undefined,
    },
    lists: { isKnown: () => false, contains: () => false, members: () => [] },
    verdict: {},
    rememberedMs: () => undefined,
  };
}
