/**
 * What operators may ask about signing keys.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Invariant: no private key is in it.
 */

import type { DnsRecord } from '../../mail/trust/dns-records.ts';
import type { DkimAlgorithm } from '../../ports/account-directory.ts';
import type { Method } from './control-method.ts';

export interface DkimKeyView {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** `waiting`: for its record to be seen. `retired`: its record is needed still. `removable`: no more. */
  readonly state: 'waiting' | 'signing' | 'retired' | 'removable';
  readonly createdMs: number;
  /** Of a retired key. */
  readonly publishUntilMs?: number;
  readonly record: DnsRecord;
}

/** All keys of the domain, or of all. */
export interface DkimAnswer {
  readonly keys: readonly DkimKeyView[];
}

export interface DkimMethods {
  'dkim.list': Method<{ readonly domain?: string }, DkimAnswer>;
  /** New keys, which sign once their records are seen; or at once by `force`. */
  'dkim.rotate': Method<
    {
      readonly domain: string;
      /** Absent: the algorithms the domain signs with. */
      readonly signWith?: readonly DkimAlgorithm[];
      readonly force?: boolean;
    },
    DkimAnswer
  >;
  /** A key signs no more. `force`: also where it is the last. */
  'dkim.retire': Method<
    { readonly domain: string; readonly selector: string; readonly force?: boolean },
    DkimAnswer
  >;
  /** A retired key is forgotten. `force`: also one that is needed. */
  'dkim.delete': Method<
    { readonly domain: string; readonly selector: string; readonly force?: boolean },
    DkimAnswer
  >;
}
