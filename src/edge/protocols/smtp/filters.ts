/**
 * Where filters come into a session: when it begins, and at each recipient of a stranger.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §4.5.1 (postmaster is always there), §7.9 (refusing by policy); RFC 6647 §5 (greylisting).
 * Invariant: all of it is before DATA; whoever logged in or is trusted is asked about nothing.
 */

import { minuteMs, secondMs } from '../../../base/units.ts';
import type { Path } from '../../../mail/wire/smtp/path.ts';
import { encodeReply } from '../../../mail/wire/smtp/reply.ts';
import type { FilterAnswer, PeerFilters } from '../../filters/connection-filters.ts';
import type { CommandSession } from './command.ts';

/** What filters know of the client as it stands; undefined: it is no stranger, or there are none. */
export function filtersOf({ service, peer }: CommandSession): PeerFilters | undefined {
  const { filters, policy } = service;
  if (filters === undefined || peer.isTrusted) return undefined;
  // A proxy is nobody's client: whom it speaks for is looked at once it has said so.
  if (policy.xclientNetworks.has(peer.address)) return undefined;
  return filters.begin(peer.address);
}

/** How long a client waits for its greeting; 0: not at all. */
export function openingWaitMs(filters: PeerFilters | undefined): number {
  return filters?.policy.settings.early.waitMs ?? 0;
}

/** A client talked before it was greeted: whether that is its end. */
export function isRefusedEarly({ filters, peer }: CommandSession): boolean {
  if (openingWaitMs(filters) === 0) return false;
  if (filters?.talkedEarly() !== 'reject') return false;
  filters.observer.answered('early');
  filters.log.info({ peer: peer.address }, 'talked before it was greeted');
  return true;
}

/** True: the recipient may be added. False: it was answered. */
export async function passesFilters(
  session: CommandSession,
  filters: PeerFilters,
  path: Path,
): Promise<boolean> {
  const sender = session.transaction.mail!.path.address;
  const verdict = await filters.judge(session.heloName);
  const { points, words } = verdict.marks;
  const tell = (answer: FilterAnswer, text: string) => {
    filters.observer.answered(answer);
    const { address: peer } = session.peer;
    const { heloName: helo } = session;
    const facts = { answer, peer, helo, sender, recipient: path.address, points, words };
    filters.log.info(facts, 'a stranger’s recipient was not taken');
    const reply = encodeReply(text);
    if (answer === 'refused') session.refuse(reply);
    else session.reply(reply);
    return false;
  };
  // Who is listed by mistake has one address left to say so.
  const isPostmaster = path.localPart.toLowerCase() === 'postmaster';
  if (verdict.refusedBy !== undefined && !isPostmaster) {
    const why = await filters.whyOf(verdict.refusedBy);
    return session.isEnded ? false : tell('refused', `550 5.7.1 ${why}`);
  }
  const waitMs = isPostmaster ? undefined : await filters.greylist(sender, path.address, points);
  if (session.isEnded) return false;
  if (waitMs !== undefined) {
    const seconds = Math.ceil(waitMs / secondMs);
    return tell('greylisted', `451 4.7.1 Not known yet, try again in ${seconds} s`);
  }
  const reached = await filters.rate(sender);
  if (session.isEnded) return false;
  if (reached !== undefined) {
    const minutes = Math.max(1, Math.ceil(reached.endsInMs / minuteMs));
    const what = `Too many recipients of this ${reached.kind}`;
    return tell('rated', `450 4.7.1 ${what}, try again in ${minutes} min`);
  }
  filters.observer.answered('passed');
  return true;
}
