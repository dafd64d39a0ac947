/**
 * The policy snapshot in the form a thread works with: keys parsed, limits gathered.
 *
 * Runs in:   engine threads.
 * Invariant: made once per snapshot and thread, read for every message. A key that was in the snapshot before is not
 *            parsed again: thousands of domains would hold a thread up at each change of one.
 */

import { isDeepStrictEqual } from 'node:util';
import type {
  DkimKeyPolicy,
  PolicySnapshot,
  SievePolicy,
} from '../../actors/asks/policy-snapshot.ts';
import { networkSet } from '../../base/networks.ts';
import type { HeaderLimits } from '../../mail/formats/headers/scan.ts';
import { compiledScript, type ServerScripts } from '../../mail/sieve/compile/at-delivery.ts';
import type { Program } from '../../mail/sieve/compile/program.ts';
import { parseAddressList } from '../../mail/sieve/message/address-list.ts';
import { ArcSealer } from '../../mail/trust/arc.ts';
import { DkimSigner } from '../../mail/trust/dkim/sign.ts';
import type { DmarcExceptions } from './dmarc-exceptions.ts';
import { FeedbackMarks } from './feedback-marks.ts';

/** A snapshot with its keys parsed: made once per snapshot and thread, read for every message. */
export interface Policy {
  readonly snapshot: PolicySnapshot;
  readonly headerLimits: HeaderLimits;
  /** Names that are ours in Authentication-Results, in lower case. */
  readonly authservIds: ReadonlySet<string>;
  readonly trustedSealers: ReadonlySet<string>;
  readonly dmarcExceptions: DmarcExceptions;
  /** All that sign for an author's domain; domains without keys are absent. */
  readonly signers: ReadonlyMap<string, readonly DkimSigner[]>;
  /** Those that sign whoever the author is. */
  readonly alsoSigners: readonly DkimSigner[];
  /** Absent: nothing is sealed, or its domain has no RSA key. */
  readonly sealer?: ArcSealer;
  /** The server's scripts; absent: there is none, or it does not compile. */
  readonly sieve: ServerScripts;
  /** How mail is marked so that what comes back finds it; absent: not at all. */
  readonly marks?: FeedbackMarks;
}

/** @throws Error when a private key cannot be read. */
export function compilePolicy(snapshot: PolicySnapshot, before?: Policy): Policy {
  const own = new Map<string, readonly DkimSigner[]>();
  for (const [domain, { dkim }] of Object.entries(snapshot.domains)) {
    if (dkim.length > 0) own.set(domain, signersOf(domain, dkim, before));
  }
  const alsoSigners = own.get(snapshot.alsoDomain) ?? [];
  const signers = new Map(own);
  for (const [domain, list] of own) {
    if (domain !== snapshot.alsoDomain) signers.set(domain, [...list, ...alsoSigners]);
  }
  return {
    snapshot,
    headerLimits: {
      headerBytesMax: snapshot.headerBytesMax,
      fieldsMax: snapshot.headerFieldsMax,
      lineBytesMax: snapshot.headerLineBytesMax,
    },
    authservIds: new Set([snapshot.authservId.toLowerCase(), snapshot.hostname.toLowerCase()]),
    trustedSealers: new Set(snapshot.trustedSealers),
    dmarcExceptions: {
      networks: networkSet(snapshot.dmarcExceptions.networks),
      domains: new Set(snapshot.dmarcExceptions.domains),
    },
    signers,
    alsoSigners,
    ...sealerOf(snapshot),
    sieve: serverScripts(snapshot.sieve, before),
    ...(snapshot.feedback === undefined ? {} : { marks: new FeedbackMarks(snapshot.feedback) }),
  };
}

/** What is as it was in the snapshot before is not compiled again. */
function serverScripts(sieve: SievePolicy, old: Policy | undefined): ServerScripts {
  if (old !== undefined && isDeepStrictEqual(sieve, old.snapshot.sieve)) return old.sieve;
  const { before, after, globals, lists } = sieve;
  const programs = { before: compiledScript(before), after: compiledScript(after) };
  const compiled = globals.map(([name, text]) => [name, compiledScript(text)] as const);
  return {
    globals: new Map(compiled.filter((one): one is [string, Program] => one[1] !== undefined)),
    lists: new Map(lists.map(([name, text]) => [name, parseAddressList(text)])),
    ...(programs.before === undefined ? {} : { before: programs.before }),
    ...(programs.after === undefined ? {} : { after: programs.after }),
  };
}

function sealerOf({ forwarding, domains }: PolicySnapshot): Pick<Policy, 'sealer'> {
  const domain = forwarding.arcDomain;
  const key = domains[domain]?.dkim.find(({ algorithm }) => algorithm === 'rsa-sha256');
  if (key === undefined) return {};
  const { selector, privatePem } = key;
  return { sealer: new ArcSealer({ domain, selector, privatePem }) };
}

function signersOf(
  domain: string,
  keys: readonly DkimKeyPolicy[],
  before: Policy | undefined,
): readonly DkimSigner[] {
  const keysBefore = before?.snapshot.domains[domain]?.dkim ?? [];
  const signersBefore = before?.signers.get(domain) ?? [];
  return keys.map((key) => {
    const at = keysBefore.findIndex(
      ({ selector, privatePem }) => selector === key.selector && privatePem === key.privatePem,
    );
    return signersBefore[at] ?? new DkimSigner({ domain, ...key });
  });
}
