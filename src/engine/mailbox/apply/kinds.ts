/**
 * What each mailbox record means to the index: the list a shard is opened with.
 *
 * Runs in:   engine threads.
 * Invariant: the changes are a pure function of the record and the rows before it; a record at or below its
 *            account's modseq changes nothing, so any run of records may be applied again.
 */

import { Buffer } from 'node:buffer';
import type { IndexChange } from '../../../ports/shard-index.ts';
import { documentKey, everyDocument, firstU32, lastU32, parsedKey } from '../../store/keys.ts';
import {
  type JournalRecord,
  noChanges,
  type RecordKind,
  type RecordPlace,
  type ShardReader,
} from '../../store/record.ts';
import type { MailboxNames } from '../names.ts';
import {
  accountOfMeta,
  mailboxRecords,
  readAccountCreated,
  readAccountDeleted,
  readDelivered,
  readMailboxCreated,
  readParsed,
} from '../records.ts';
import { decodeDocument, encodeDocument } from '../rows/document-row.ts';
import { decodeParsed, encodeParsedPlace } from '../rows/parsed-row.ts';
import { readMailboxDeleted, readMailboxRenamed } from '../tree-records.ts';
import {
  applyAccountCreated,
  applyAccountDeleted,
  applyAccountSet,
  applyMailboxCreated,
} from './accounts.ts';
import { applyAnnotated } from './annotated.ts';
import type { Bodies, BodyOwner } from './bodies.ts';
import { applyCopied, applyExpunged } from './copied.ts';
import { applyDelivered, applyParsed, isNewer } from './delivered.ts';
import { applyFlagsStored } from './flags.ts';
import { applyPurged, applyRestored } from './kept.ts';
import { applyLearnt } from './learnt.ts';
import {
  applyMailboxDeleted,
  applyMailboxRenamed,
  applyRecentTold,
  applySubscribed,
} from './mailbox-tree.ts';
import { applyAclSet, applySeenStored } from './sharing.ts';
import { applyScriptsSet, applySieveRan } from './sieve.ts';
import { applySnoozed } from './snoozed.ts';
import { applyTrimmed } from './trimmed.ts';

const scanRowsMax = 1_000;

export function mailboxKinds(bodies: Bodies, names: MailboxNames): readonly RecordKind[] {
  const release = (place: RecordPlace) => bodies.release(place);
  const telling = (read: (record: JournalRecord) => Named, apply: Apply): Apply =>
    tellingNames(names, read, apply);
  const deleteAccount: Apply = (record, read) => applyAccountDeleted(record, read, release);
  const deleteMailbox: Apply = (record, read) => applyMailboxDeleted(record, read, release);
  const kind = (name: keyof typeof mailboxRecords, rest: Omit<RecordKind, 'type' | 'name'>) => ({
    type: mailboxRecords[name],
    name: `mailbox.${name}`,
    // That an account was deleted must be known without its key, which goes with it.
    ...(name === 'accountDeleted' ? { endsAccount: accountOfMeta } : { sealedFor: accountOfMeta }),
    restore: (_: JournalRecord, shard: BodyOwner) => bodies.replayed(shard),
    ...rest,
  });
  return [
    kind('accountCreated', { apply: telling(readAccountCreated, applyAccountCreated) }),
    kind('accountSet', { apply: applyAccountSet }),
    kind('accountDeleted', { apply: telling(readAccountDeleted, deleteAccount) }),
    kind('mailboxCreated', { apply: telling(readMailboxCreated, applyMailboxCreated) }),
    kind('delivered', {
      apply: (record, read) => {
        const changes = applyDelivered(record, read);
        // Replayed behind the row's end: the document was ended by a record the index has applied already.
        if (changes === noChanges) bodies.check(record.place, () => isMessageLive(record, read));
        return changes;
      },
      pinsBody: true,
      livePlaces: liveMessages,
      move: moveMessage,
    }),
    kind('parsed', {
      apply: (record, read) => {
        const changes = applyParsed(record, read);
        if (changes === noChanges) bodies.check(record.place, () => isParsedLive(record, read));
        return changes;
      },
      pinsBody: true,
      livePlaces: liveParsed,
      move: moveParsed,
    }),
    kind('flagsStored', { apply: applyFlagsStored }),
    kind('expunged', { apply: (record, read) => applyExpunged(record, read, release) }),
    kind('copied', { apply: (record, read) => applyCopied(record, read, false) }),
    kind('mailboxDeleted', { apply: telling(readMailboxDeleted, deleteMailbox) }),
    kind('mailboxRenamed', { apply: telling(readMailboxRenamed, applyMailboxRenamed) }),
    kind('subscribed', { apply: applySubscribed }),
    kind('trimmed', { apply: applyTrimmed }),
    kind('annotated', { apply: applyAnnotated }),
    kind('restored', { apply: applyRestored }),
    kind('purged', { apply: (record, read) => applyPurged(record, read, release) }),
    kind('aclSet', { apply: applyAclSet }),
    kind('seenStored', { apply: applySeenStored }),
    kind('recentTold', { apply: applyRecentTold }),
    kind('scriptsSet', { apply: applyScriptsSet }),
    kind('sieveRan', { apply: applySieveRan }),
    kind('learnt', { apply: applyLearnt }),
    kind('snoozed', { apply: applySnoozed }),
    kind('moved', { apply: (record, read) => applyCopied(record, read, true) }),
  ];
}

type Apply = RecordKind['apply'];

/** Of which account; absent: all its mailboxes. */
interface Named {
  readonly account: number;
  readonly mailbox?: number;
}

/** What mailboxes are called changes with the record: who keeps names reads them again. */
function tellingNames(
  names: MailboxNames,
  read: (record: JournalRecord) => Named,
  apply: Apply,
): Apply {
  return (record, rows) => {
    const { account, mailbox } = read(record);
    if (mailbox === undefined) names.forget(account);
    else names.changed(account, mailbox);
    return apply(record, rows);
  };
}

function isMessageLive(record: JournalRecord, read: ShardReader): boolean {
  const { account, document } = readDelivered(record);
  return read.get(documentKey(account, document)) !== undefined;
}

function isParsedLive(record: JournalRecord, read: ShardReader): boolean {
  const { account, document } = readParsed(record);
  return parsedPlace(read.get(parsedKey(account, document))) !== undefined;
}

function parsedPlace(value: Uint8Array | undefined): RecordPlace | undefined {
  const row = value === undefined ? undefined : decodeParsed(value);
  return row?.kind === 'record' ? row.place : undefined;
}

/** All documents of all accounts, page by page. */
function* documents(read: ShardReader): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
  let from: Uint8Array = everyDocument.from;
  for (;;) {
    const page = read.range({ from, to: everyDocument.to, limit: scanRowsMax });
    for (const { key, value } of page) yield [key, value];
    if (page.length < scanRowsMax) return;
    from = Buffer.concat([page.at(-1)!.key, Buffer.of(0)]);
  }
}

function* liveMessages(read: ShardReader): IterableIterator<RecordPlace> {
  for (const [, value] of documents(read)) yield decodeDocument(value).place;
}

function* liveParsed(read: ShardReader): IterableIterator<RecordPlace> {
  for (const [key] of documents(read)) {
    const place = parsedPlace(read.get(parsedKey(firstU32(key), lastU32(key))));
    if (place !== undefined) yield place;
  }
}

function moveMessage(
  record: JournalRecord,
  _from: RecordPlace,
  read: ShardReader,
): readonly IndexChange[] {
  const { account, document } = readDelivered(record);
  const key = documentKey(account, document);
  const value = read.get(key);
  const row = value === undefined ? undefined : decodeDocument(value);
  // Where it stands already is told again: the shard counts a moved body by these changes.
  if (row === undefined || isNewer(row.place, record.place)) return noChanges;
  return [{ put: key, value: encodeDocument({ ...row, place: record.place }) }];
}

function moveParsed(
  record: JournalRecord,
  _from: RecordPlace,
  read: ShardReader,
): readonly IndexChange[] {
  const { account, document } = readParsed(record);
  const key = parsedKey(account, document);
  const place = parsedPlace(read.get(key));
  if (place === undefined || isNewer(place, record.place)) return noChanges;
  return [{ put: key, value: encodeParsedPlace(record.place) }];
}
