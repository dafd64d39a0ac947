/**
 * Which peers got into which accounts by a password: what comes from them waits in places that are kept for them.
 *
 * Runs in:   main thread.
 * Limits:    `knownMax` pairs, those that got in longest ago go first; a restart forgets all.
 * Invariant: a peer is known for the account it got into and for no other: an account of one's own makes nobody known
 *            where he guesses.
 */

import { peerNetwork } from '../../base/networks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Wanting } from './password-jobs.ts';

const knownMax = 50_000;

type Named = Pick<Account, 'id'>;

export class KnownPeers {
  readonly #pairs = new RecentMap<string, true>(knownMax);

  /** `account`: whom a peer names; undefined: nobody who is there. */
  wanting(address: string, account: Named | undefined): Wanting {
    const peer = peerNetwork(address);
    const isKnown = account !== undefined && this.#pairs.get(pairOf(peer, account)) === true;
    return { peer, isKnown };
  }

  gotIn(address: string, account: Named): void {
    this.#pairs.set(pairOf(peerNetwork(address), account), true);
  }
}

function pairOf(peer: string, { id }: Named): string {
  return `${peer} ${id}`;
}
