/**
 * What an account says of its own spam: private annotations of the account, set by any client that speaks METADATA.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5464 §6.2.2 (private entries of the server).
 * Invariant: what is no number from 0 to `percentMax` counts as not said.
 */

import type { SpamLevels } from '../../../ports/levels.ts';
import { annotationRange } from '../../store/keys.ts';
import { annotatedDraft, readerOf } from '../annotation-records.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { annotationsOf } from '../rows/annotation-row.ts';
import type { Owner } from '../tree.ts';

/** A refusal is one answer for all recipients: no account's own. */
export type OwnLevel = Exclude<keyof SpamLevels, 'rejectPercent'>;

const levelEntries: Readonly<Record<OwnLevel, string>> = {
  junkPercent: '/private/vendor/chaski/spam/junk-percent',
  quarantinePercent: '/private/vendor/chaski/spam/quarantine-percent',
};

const ownLevelNames = ['junkPercent', 'quarantinePercent'] as const;
const percentMax = 10_000;

export function ownLevels(
  shard: Pick<MailboxShard, 'range'>,
  account: number,
): Partial<Pick<SpamLevels, OwnLevel>> {
  const levels: { [Name in OwnLevel]?: number } = {};
  for (const name of ownLevelNames) {
    const entry = levelEntries[name];
    const range = annotationRange(account, 0, readerOf(entry, account), entry);
    const [found] = annotationsOf(shard.range(range));
    const text = found === undefined ? '' : Buffer.from(found.value).toString('latin1');
    if (/^\d{1,5}$/.test(text) && Number(text) <= percentMax) levels[name] = Number(text);
  }
  return levels;
}

/** On disk when it resolves. */
export async function setOwnLevels(
  mailboxes: Pick<Mailboxes, 'decide'>,
  { account, tenant }: Owner,
  levels: Partial<Record<OwnLevel, number>>,
): Promise<void> {
  const values = ownLevelNames.map((name): [string, Uint8Array | null] => {
    const level = levels[name];
    return [levelEntries[name], level === undefined ? null : Buffer.from(String(level))];
  });
  await mailboxes.decide(account, tenant, (actor) => {
    const place = { account, modseq: actor.nextModseq(), mailbox: 0, reader: account };
    const drafts = [annotatedDraft(tenant, { ...place, values })];
    return { drafts, mailboxes: [], value: undefined };
  });
}
