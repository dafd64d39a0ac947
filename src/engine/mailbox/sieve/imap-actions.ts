/**
 * Does what a script wants of a message that lies in a mailbox already.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 6785 §3 (what actions mean there), RFC 5232 (its flags are those of the message).
 * Invariant: a message stays where anything asked for cannot be: an address that leads nowhere, a mailbox that is not
 *            there, a refusal, which nobody would hear. What is discarded can be had back as what people expunge.
 */

import type { Action } from '../../../mail/sieve/run/actions.ts';
import type { SieveLists } from '../../../mail/sieve/run/host.ts';
import type { Outcome } from '../../../mail/sieve/run/run.ts';
import { madeDrafts } from '../../spool/made.ts';
import type { Spool } from '../../spool/spool.ts';
import type { CopyFlags } from '../decisions.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { countOf, type IdRanges } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import { flagsOf } from './filing.ts';
import { type MakingParts, mailboxMadeFor } from './making.ts';
import type { SieveMemory } from './memory.ts';
import { makeOutgoing, type OutgoingParts } from './outgoing.ts';
import { sieveRanDraft } from './records.ts';
import { type Wanted, wantedOf } from './wanted.ts';

/** A message that something happened to. */
export interface Happened {
  readonly owner: Owner;
  readonly mailbox: number;
  readonly uid: number;
  /** An address of the account. */
  readonly user: string;
  readonly text: Uint8Array;
  /** `text` is all of it. */
  readonly isWhole: boolean;
  readonly flags: readonly string[];
  readonly nowMs: number;
}

export interface ImapActionsParts extends Pick<MakingParts, 'tree'> {
  readonly mailboxes: Mailboxes;
  readonly memory: SieveMemory;
  readonly outgoing: OutgoingParts;
  readonly spool: Pick<Spool, 'admitMade'>;
  readonly redirects: boolean;
}

/** What nobody would hear of, or what means nothing where mail lies already. */
const unheard = ['reject', 'ereject', 'snooze', 'vacation'] as const;

interface Target {
  readonly mailbox: number;
  readonly flags: readonly string[] | undefined;
}

export class ImapActions {
  readonly #parts: ImapActionsParts;

  constructor(parts: ImapActionsParts) {
    this.#parts = parts;
  }

  async do(happened: Happened, outcome: Outcome, lists: SieveLists): Promise<void> {
    const { actions } = outcome;
    const wanted = wantedOf(outcome, lists);
    const mayGoOn = this.#parts.redirects && happened.isWhole;
    const redirects = mayGoOn ? wanted.redirects : [];
    const isSent = await this.#send(happened, { ...wanted, redirects });
    const isHeld = has(actions, 'redirect') && !(isSent && redirects.length > 0);
    const { targets, isMissing } = await this.#targets(happened.owner, actions);
    const keep = actions.find((action) => action.action === 'keep');
    const stays = keep !== undefined || isMissing || isHeld || has(actions, ...unheard);
    const isThere = targets.some(({ mailbox }) => mailbox === happened.mailbox);
    const others = targets.filter(({ mailbox }) => mailbox !== happened.mailbox);
    const isLeft = stays || isThere;
    for (const [i, target] of others.entries()) {
      await this.#copy(happened, target, !isLeft && i === others.length - 1);
    }
    if (isLeft) await this.#flag(happened, keep);
    else if (others.length === 0) await this.#expunge(happened);
  }

  /** False: some redirect led nowhere. On disk when it resolves, with what is remembered. */
  async #send(
    { owner, user, text, nowMs }: Happened,
    { answer: _none, ...wanted }: Wanted,
  ): Promise<boolean> {
    const { mailboxes, memory, outgoing, spool } = this.#parts;
    const { account, tenant } = owner;
    const occasion = { tenant, account, sender: user, recipient: user, text };
    const { made, isStuck } = await makeOutgoing(outgoing, occasion, wanted, undefined);
    const marks = wanted.marks.map(({ key, seconds }) => ({ key: `duplicate ${key}`, seconds }));
    if (made.length + marks.length === 0) return !isStuck;
    const { settled, ...remembered } = memory.remember(account, marks, nowMs);
    await mailboxes.decide(account, tenant, (actor) => {
      const ran = {
        ...{ account, modseq: actor.nextModseq(), ...remembered },
        ...{ deliveryDay: 0, deliveryHash: Buffer.alloc(0), forgetDay: 0 },
      };
      const drafts = [sieveRanDraft(tenant, ran), ...madeDrafts(made)];
      return {
        ...{ drafts, mailboxes: [], value: undefined, settled },
        written: (places) => spool.admitMade(made, places.slice(1)),
      };
    });
    return !isStuck;
  }

  async #targets(
    owner: Owner,
    actions: readonly Action[],
  ): Promise<{ readonly targets: readonly Target[]; readonly isMissing: boolean }> {
    const { mailboxes, tree } = this.#parts;
    const targets: Target[] = [];
    let isMissing = false;
    for (const action of actions) {
      if (action.action !== 'fileinto') continue;
      const mailbox = await mailboxMadeFor({ names: mailboxes.names, tree }, owner, action);
      if (mailbox === 0) isMissing = true;
      else targets.push({ mailbox, flags: action.flags });
    }
    return { targets, isMissing };
  }

  async #copy({ owner, mailbox, uid }: Happened, target: Target, isMove: boolean): Promise<void> {
    const { account, tenant } = owner;
    const from = { mailbox, uids: [uid, uid] };
    const flags = (sources: IdRanges): CopyFlags[] => {
      if (target.flags === undefined) return [];
      const step = { op: 'replace' as const, ...flagsOf(target.flags) };
      return [{ offsets: [0, countOf(sources) - 1], step }];
    };
    const more = { flagsOf: flags, isQuiet: true };
    await this.#parts.mailboxes.copy(account, tenant, from, target.mailbox, isMove, more);
  }

  /** Those that the script left; as they are, where it did not change them. */
  async #flag(
    { owner, mailbox, uid, flags: before }: Happened,
    keep: Extract<Action, { readonly action: 'keep' }> | undefined,
  ): Promise<void> {
    if (keep === undefined) return;
    const { flags = [] } = keep;
    if (flags.length === before.length && flags.every((flag) => before.includes(flag))) return;
    const step = { op: 'replace' as const, ...flagsOf(flags), isQuiet: true };
    const where = { mailbox, uids: [uid, uid] };
    await this.#parts.mailboxes.storeFlags(owner.account, owner.tenant, { ...step, ...where });
  }

  async #expunge({ owner, mailbox, uid }: Happened): Promise<void> {
    await this.#parts.mailboxes.expunge(owner.account, owner.tenant, mailbox, [uid, uid]);
  }
}

function has(actions: readonly Action[], ...kinds: readonly Action['action'][]): boolean {
  return actions.some(({ action }) => kinds.includes(action));
}
