/**
 * Decides at RCPT whether a recipient is taken, and where its copies go.
 *
 * Runs in:   edge (main thread); hot: no promise is made when the directory answers at once.
 * Specs:     RFC 5321 §4.5.1 (postmaster), RFC 2142 §4 (abuse), RFC 3461 §5.2.7.2 (aliases keep their ORCPT).
 * Invariant: mail for a domain that is not ours is taken from trusted clients only.
 */

import { type Destination, destinationsOf } from '../../actors/asks/destinations.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import type { Reversed } from '../../mail/trust/srs.ts';
import type { Path } from '../../mail/wire/smtp/path.ts';
import type {
  Account,
  AccountDirectory,
  Eventually,
  Resolution,
} from '../../ports/account-directory.ts';
import { type KnownSender, mayWriteTo, stranger } from './closed-groups.ts';

export interface AcceptedRecipient {
  /** Undefined: relayed, so the tenant is the client's. */
  readonly tenant: TenantId | undefined;
  readonly destinations: readonly Destination[];
}

export type RecipientDecision = AcceptedRecipient | ErrorCode;

/** Whom a local part of ours is a return path for (SRS). */
export type ReversePath = (localPart: string) => Reversed;

/**
 * A return path of mail we sent on: bounces of it go back to its sender. Undefined where the address is none. Only the
 * null sender has any business there (RFC 5321 §4.5.5), so nobody writes to strangers through us.
 */
export function decideReturnPath(
  directory: AccountDirectory,
  { localPart, domain }: Path,
  sender: string,
  reverse: ReversePath | undefined,
): Eventually<RecipientDecision> | undefined {
  const found = reverse?.(localPart) ?? { kind: 'none' };
  if (found.kind === 'none' || directory.isLocalDomain(domain) === false) return undefined;
  if (found.kind === 'invalid' || sender !== '') return 'account-missing';
  const address = `${found.localPart}@${found.domain}`;
  const resolution = directory.resolve(found.localPart, found.domain);
  if (resolution instanceof Promise) return resolution.then((late) => decisionOf(address, late));
  return decisionOf(address, resolution);
}

/** Addresses of our own that read what comes back for mail that left. */
export interface FeedbackAddresses {
  /** Undefined: it is none of those. */
  decide(path: Path, sender: string): RecipientDecision | undefined;
}

/** `mayRelay`: the client logged in or is in `relay.networks`. `sender`: who is known to write. */
export function decideRecipient(
  directory: AccountDirectory,
  path: Path,
  mayRelay: boolean,
  sender: KnownSender = stranger,
): Eventually<RecipientDecision> {
  if (path.domain === '') {
    // RFC 5321 §4.5.1: `postmaster` without a domain must work; no other name may lack one.
    return isName(path.localPart, 'postmaster')
      ? decideRole(directory, undefined)
      : 'recipient-invalid';
  }
  const resolution = directory.resolve(path.localPart, path.domain);
  if (resolution instanceof Promise) {
    return resolution.then((late) => decide(directory, path, mayRelay, sender, late));
  }
  return decide(directory, path, mayRelay, sender, resolution);
}

function decide(
  directory: AccountDirectory,
  path: Path,
  mayRelay: boolean,
  sender: KnownSender,
  resolution: Resolution,
): Eventually<RecipientDecision> {
  if (resolution.kind === 'remote' && !mayRelay) return 'relay-denied';
  const isUnknown = resolution.kind === 'missing' || resolution.kind === 'disabled';
  if (isUnknown && isRole(path.localPart)) return decideRole(directory, path.domain);
  if (resolution.kind !== 'resolved' || resolution.closed === undefined) {
    return decisionOf(path.address, resolution);
  }
  return mayWriteTo(directory, resolution.closed, sender).then((may) =>
    may ? decisionOf(path.address, resolution) : 'group-closed',
  );
}

function decisionOf(address: string, resolution: Resolution): RecipientDecision {
  const destinations = destinationsOf(address, resolution);
  if (typeof destinations === 'string') return destinations;
  const tenant = resolution.kind === 'resolved' ? resolution.tenant : undefined;
  return { tenant, destinations };
}

function isRole(localPart: string): boolean {
  return isName(localPart, 'postmaster') || isName(localPart, 'abuse');
}

function isName(localPart: string, name: string): boolean {
  return localPart.length === name.length && localPart.toLowerCase() === name;
}

/**
 * Where role mail goes when nobody set an address for it: postmaster of the first domain, else the oldest enabled
 * account of the domain, else of all. Somebody must get it (RFC 5321 §4.5.1).
 */
async function decideRole(
  directory: AccountDirectory,
  domain: string | undefined,
): Promise<RecipientDecision> {
  const domains = domain === undefined ? await directory.domains() : [];
  const first = domain ?? domains[0]?.name;
  if (first !== undefined) {
    const resolution = await directory.resolve('postmaster', first);
    if (resolution.kind === 'resolved') return decisionOf(`postmaster@${first}`, resolution);
  }
  const account =
    oldestEnabled(first === undefined ? [] : await directory.accounts(first)) ??
    oldestEnabled(await directory.accounts());
  if (account === undefined) return 'not-possible-now';
  return {
    tenant: account.tenant,
    destinations: [
      {
        address: account.address,
        target: { kind: 'account', account: account.id, shard: account.shard },
      },
    ],
  };
}

function oldestEnabled(accounts: readonly Account[]): Account | undefined {
  let oldest: Account | undefined;
  for (const account of accounts) {
    if (!account.isEnabled) continue;
    if (oldest === undefined || account.id < oldest.id) oldest = account;
  }
  return oldest;
}
