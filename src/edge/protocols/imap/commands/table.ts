/**
 * All commands, by name. APPEND and REPLACE are not among them: they begin before their messages came
 * (`append-intake.ts`).
 *
 * Runs in: edge (main thread).
 */

import type { ImapCommand } from '../command.ts';
import {
  deleteAclCommand,
  getAclCommand,
  listRightsCommand,
  myRightsCommand,
  setAclCommand,
} from './acl.ts';
import { cancelUpdateCommand } from './cancel-update.ts';
import { compressCommand } from './compress.ts';
import { copyCommand, moveCommand, uidCopyCommand, uidMoveCommand } from './copy.ts';
import { esearchCommand } from './esearch.ts';
import { expungeCommand, uidExpungeCommand } from './expunge.ts';
import { fetchCommand, uidFetchCommand } from './fetch.ts';
import { listCommand, lsubCommand, statusCommand } from './list.ts';
import { authenticateCommand, loginCommand } from './log-in.ts';
import {
  createCommand,
  deleteCommand,
  renameCommand,
  subscribeCommand,
  unsubscribeCommand,
} from './mailboxes.ts';
import { getMetadataCommand, setMetadataCommand } from './metadata.ts';
import { notifyCommand } from './notify.ts';
import { getQuotaCommand, getQuotaRootCommand, setQuotaCommand } from './quota.ts';
import { searchCommand, uidSearchCommand } from './search.ts';
import { closeCommand, examineCommand, selectCommand, unselectCommand } from './select.ts';
import {
  capabilityCommand,
  checkCommand,
  enableCommand,
  idCommand,
  idleCommand,
  logoutCommand,
  namespaceCommand,
  noopCommand,
  starttlsCommand,
} from './session-state.ts';
import { sortCommand, uidSortCommand } from './sort.ts';
import { storeCommand, uidStoreCommand } from './store.ts';
import { threadCommand, uidThreadCommand } from './thread.ts';
import { uidBatchesCommand } from './uid-batches.ts';
import { unauthenticateCommand } from './unauthenticate.ts';

/** A command whose arguments nobody else sees. */
export type AnyCommand = ImapCommand<never>;

const all = [
  capabilityCommand,
  noopCommand,
  logoutCommand,
  idCommand,
  starttlsCommand,
  loginCommand,
  authenticateCommand,
  enableCommand,
  unauthenticateCommand,
  compressCommand,
  notifyCommand,
  namespaceCommand,
  listCommand,
  lsubCommand,
  statusCommand,
  createCommand,
  deleteCommand,
  renameCommand,
  subscribeCommand,
  unsubscribeCommand,
  selectCommand,
  examineCommand,
  unselectCommand,
  closeCommand,
  checkCommand,
  idleCommand,
  fetchCommand,
  uidFetchCommand,
  storeCommand,
  uidStoreCommand,
  expungeCommand,
  uidExpungeCommand,
  copyCommand,
  uidCopyCommand,
  moveCommand,
  uidMoveCommand,
  searchCommand,
  uidSearchCommand,
  getAclCommand,
  setAclCommand,
  deleteAclCommand,
  listRightsCommand,
  myRightsCommand,
  getMetadataCommand,
  setMetadataCommand,
  getQuotaCommand,
  getQuotaRootCommand,
  setQuotaCommand,
  esearchCommand,
  cancelUpdateCommand,
  sortCommand,
  uidSortCommand,
  threadCommand,
  uidThreadCommand,
  uidBatchesCommand,
] as const;

export const commands: ReadonlyMap<string, AnyCommand> = new Map(
  all.map((command) => [command.name, command as unknown as AnyCommand]),
);
