/**
 * Keeps thread rows, and the Message-ID hashes that lead to them.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 8621 §3.
 * Invariant: a thread row lists just the documents that are; a head is there exactly for each mailbox that has one
 *            of them (`thread-dates.ts` writes what leads to it).
 */

import { view } from '../../../base/bytes.ts';
import { messageIdHashBytes, messageIdKey } from '../../store/keys.ts';
import { uidIn } from '../rows/document-row.ts';
import {
  candidatesMax,
  decodeCandidates,
  encodeCandidates,
  hashesMax,
  type ThreadHead,
  type ThreadRow,
} from '../rows/thread-row.ts';
import type { AccountEdit } from './account-edit.ts';

const empty = new Uint8Array(0);

export interface Joining {
  readonly thread: number;
  readonly document: number;
  readonly mailbox: number;
  readonly internalMs: number;
  readonly idHashes: Uint8Array;
  readonly subjectHash: number;
}

/** A new document becomes a member; the thread is made where it is missing. */
export function joinThread(edit: AccountEdit, joining: Joining): void {
  const { thread, document, mailbox, internalMs } = joining;
  // A number not given before has no row: most messages open a thread, and this saves them a look-up.
  const known = thread < edit.row.threadNext ? edit.threads.get(thread) : undefined;
  const before: ThreadRow = known ?? { members: [], heads: [], hashes: empty };
  (known === undefined ? edit.created : edit.updated).thread.add(thread);
  const hashes = linkHashes(edit, joining, before.hashes);
  const heads = entered(before.heads, mailbox, internalMs);
  edit.threads.put(thread, { members: [...before.members, document], heads, hashes });
}

/** A member came into one more mailbox, or once more into the same. */
export function enterMailbox(
  edit: AccountEdit,
  thread: number,
  mailbox: number,
  internalMs: number,
): void {
  const row = edit.threads.get(thread);
  if (row === undefined) return;
  const heads = entered(row.heads, mailbox, internalMs);
  writeThread(edit, thread, { ...row, heads });
}

/** A member left a mailbox; its document row says already where it still is. */
export function leaveMailbox(
  edit: AccountEdit,
  thread: number,
  mailbox: number,
  internalMs: number,
): void {
  const row = edit.threads.get(thread);
  const head = row?.heads.find((one) => one.mailbox === mailbox);
  if (row === undefined || head === undefined) return;
  const others = row.heads.filter((one) => one !== head);
  if (head.messages === 1) {
    writeThread(edit, thread, { ...row, heads: others });
    return;
  }
  const isNewest = internalMs >= head.newestMs;
  const newestMs = isNewest ? newestIn(edit, row, mailbox) : head.newestMs;
  const next = { mailbox, newestMs, messages: head.messages - 1 };
  writeThread(edit, thread, { ...row, heads: [...others, next] });
}

/** A member is no more; with the last one the thread goes, and all that leads to it. */
export function leaveThread(edit: AccountEdit, thread: number, document: number): void {
  const row = edit.threads.get(thread);
  if (row === undefined) return;
  const members = row.members.filter((member) => member !== document);
  if (members.length > 0) {
    writeThread(edit, thread, { ...row, members });
    return;
  }
  for (let i = 0; i < row.hashes.length; i += messageIdHashBytes) {
    unlinkHash(edit, thread, row.hashes.subarray(i, i + messageIdHashBytes));
  }
  edit.threads.remove(thread);
  edit.destroyed.thread.add(thread);
}

function writeThread(edit: AccountEdit, thread: number, row: ThreadRow): void {
  edit.threads.put(thread, row);
  edit.updated.thread.add(thread);
}

function entered(
  heads: readonly ThreadHead[],
  mailbox: number,
  internalMs: number,
): readonly ThreadHead[] {
  const head = heads.find((one) => one.mailbox === mailbox);
  if (head === undefined) return [...heads, { mailbox, newestMs: internalMs, messages: 1 }];
  const newestMs = Math.max(head.newestMs, internalMs);
  const next = { mailbox, newestMs, messages: head.messages + 1 };
  return [...heads.filter((one) => one !== head), next];
}

function newestIn(edit: AccountEdit, row: ThreadRow, mailbox: number): number {
  let newestMs = 0;
  for (const member of row.members) {
    const document = edit.documents.get(member);
    if (document !== undefined && uidIn(document, mailbox) > 0)
      newestMs = Math.max(newestMs, document.internalMs);
  }
  return newestMs;
}

/** Makes the ids of a message lead to its thread. The thread's hashes after that. */
function linkHashes(edit: AccountEdit, joining: Joining, known: Uint8Array): Uint8Array {
  const added: Uint8Array[] = [];
  const { thread, idHashes, subjectHash } = joining;
  for (let i = 0; i < idHashes.length; i += messageIdHashBytes) {
    if (known.length / messageIdHashBytes + added.length >= hashesMax) break;
    const hash = idHashes.subarray(i, i + messageIdHashBytes);
    const key = messageIdKey(edit.account, hash);
    const value = edit.table.get(key);
    const candidates = value === undefined ? [] : decodeCandidates(value);
    if (hasThread(candidates, thread)) continue;
    if (candidates.length / 2 >= candidatesMax) continue;
    edit.table.put(key, encodeCandidates([...candidates, thread, subjectHash]));
    added.push(hash);
  }
  return added.length === 0 ? known : Buffer.concat([view(known), ...added]);
}

function unlinkHash(edit: AccountEdit, thread: number, hash: Uint8Array): void {
  const key = messageIdKey(edit.account, hash);
  const value = edit.table.get(key);
  if (value === undefined) return;
  const left: number[] = [];
  const candidates = decodeCandidates(value);
  for (let i = 0; i < candidates.length; i += 2) {
    if (candidates[i] !== thread) left.push(candidates[i]!, candidates[i + 1]!);
  }
  if (left.length === 0) edit.table.remove(key);
  else edit.table.put(key, encodeCandidates(left));
}

function hasThread(candidates: readonly number[], thread: number): boolean {
  for (let i = 0; i < candidates.length; i += 2) if (candidates[i] === thread) return true;
  return false;
}
