/**
 * Mailboxes made by operators, and mail brought into them from elsewhere.
 *
 * Runs in:   main thread.
 * Specs:     RFC 9051 §2.3.2 (flags and keywords).
 * Limits:    a message is at most `imap.messageBytesMax`, as for APPEND; a batch `messagesPerImportMax` messages.
 */

import type { ControlHandlers, ImportedMessage } from '../../actors/asks/control.ts';
import {
  imapAsks,
  type OpenedMailbox,
  type PackedOwner,
  type PackedRead,
} from '../../actors/asks/imap-asks.ts';
import {
  type ImportAnswer,
  type ImportFault,
  mailboxAsks,
  messagesPerImportMax,
  type PackedImport,
  type PackedImported,
} from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import { canonicalName, nameFault, separator } from '../../mail/wire/imap/mailbox-name.ts';
import type { Account } from '../../ports/account-directory.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

export type ImportParts = Pick<ControlParts, 'directory' | 'router' | 'clock' | 'settings'>;

/** In the order of their bits. */
const systemFlags = ['\\seen', '\\answered', '\\flagged', '\\deleted', '\\draft'];
/** Years 1 to 9999: RFC 9051 §9 has four digits for one. */
const internalMsMin = -62_135_596_800_000;
const internalMsMax = 253_402_300_799_999;
/** RFC 9051 §9: an atom; as long as a mailbox keeps them. */
const keywordPattern = /^[!#$&'+,./0-9:;<=>?@A-Z^_`a-z|}~-]{1,64}$/;

export function importHandlers(parts: ImportParts): ControlHandlers {
  return {
    'mailbox.create': async ({ account: address, name: given, mayExist = false }) => {
      const account = await accountNamed(parts, address);
      const name = nameOf(given);
      refuseOthers(name, parts.settings.imap.otherUsers);
      const known = await mailboxNamed(parts, account, name);
      if (known !== undefined && mayExist) return { name, isNew: false };
      if (known !== undefined) throw new MailError('already-exists', `mailbox ${name}`);
      await askAccount(parts, account, imapAsks.create, asOwner(account, name));
      return { name, isNew: true };
    },
    'mailbox.subscribe': async ({ account: address, name: given }) => {
      const account = await accountNamed(parts, address);
      await askAccount(parts, account, imapAsks.subscribe, asOwner(account, nameOf(given), true));
      return {};
    },
    'mailbox.import': async ({ account: address, mailbox: given, run, messages }, { body }) => {
      const account = await accountNamed(parts, address);
      const name = nameOf(given);
      const mailbox = await mailboxNamed(parts, account, name);
      if (mailbox === undefined) throw new MailError('not-found', `mailbox ${name}`);
      const batch = taken(messages, body, parts.settings.imap.messageBytesMax);
      const { id, tenant } = account;
      const meta: PackedImport = [id, tenant, mailbox, run, batch.messages];
      const options = { isLong: true, body: batch.pieces };
      const { value } = await askAccount(parts, account, mailboxAsks.import, meta, options);
      const answer = value as ImportAnswer;
      const faults = answer.faults.map(
        ([index, code, detail]): ImportFault => [batch.places[index]!, code, detail],
      );
      const all = [...batch.faults, ...faults].sort(([a], [b]) => a - b);
      return { ...answer, faults: all.map(([index, code, detail]) => ({ index, code, detail })) };
    },
  };
}

/** @throws MailError `argument-invalid` */
function nameOf(given: string): string {
  const name = canonicalName(given);
  const fault = nameFault(name);
  if (fault !== undefined) throw new MailError('argument-invalid', `${given}: ${fault}`);
  return name;
}

/** Of an own mailbox called so no mail program would find the mail. @throws MailError `argument-invalid` */
function refuseOthers(name: string, otherUsers: string): void {
  if (name !== otherUsers && !name.startsWith(otherUsers + separator)) return;
  throw new MailError('argument-invalid', `${name}: mailboxes of others are called so`);
}

async function mailboxNamed(
  parts: ImportParts,
  account: Account,
  name: string,
): Promise<number | undefined> {
  try {
    const { value } = await askAccount(parts, account, imapAsks.open, asOwner(account, name));
    return (value as OpenedMailbox).info.mailbox;
  } catch (error) {
    if (error instanceof MailError && error.code === 'not-found') return undefined;
    throw error;
  }
}

interface Taken {
  readonly messages: readonly PackedImported[];
  readonly pieces: readonly Uint8Array[];
  /** Of each of `messages`, its place in what was asked. */
  readonly places: readonly number[];
  readonly faults: readonly ImportFault[];
}

/** What the engine is asked: without those that no mailbox takes. @throws MailError `argument-invalid` */
function taken(given: readonly ImportedMessage[], body: Uint8Array, bytesMax: number): Taken {
  if (given.length > messagesPerImportMax) {
    throw new MailError('argument-invalid', `over ${messagesPerImportMax} messages at a time`);
  }
  const messages: PackedImported[] = [];
  const pieces: Uint8Array[] = [];
  const places: number[] = [];
  const faults: ImportFault[] = [];
  let at = 0;
  for (const [index, { bytes, occurrence, flags, internalMs }] of given.entries()) {
    const piece = body.subarray(at, at + bytes);
    at += bytes;
    if (!Number.isFinite(internalMs)) faults.push([index, 'message-invalid', 'it has no date']);
    else if (bytes === 0) faults.push([index, 'message-invalid', 'it is empty']);
    else if (bytes > bytesMax) faults.push([index, 'message-too-large', `over ${bytesMax} bytes`]);
    else {
      const [bits, keywords] = flagsOf(flags);
      messages.push([bytes, occurrence, bits, keywords, within(internalMs)]);
      pieces.push(piece);
      places.push(index);
    }
  }
  if (at !== body.byteLength) throw new MailError('argument-invalid', 'sizes do not add up');
  return { messages, pieces, places, faults };
}

/** Files may be dated past what IMAP can say. */
function within(internalMs: number): number {
  return Math.round(Math.min(Math.max(internalMsMin, internalMs), internalMsMax));
}

function flagsOf(flags: readonly string[]): readonly [bits: number, keywords: readonly string[]] {
  let bits = 0;
  const keywords: string[] = [];
  for (const flag of flags) {
    const bit = systemFlags.indexOf(flag.toLowerCase());
    if (bit >= 0) bits |= 1 << bit;
    else if (keywordPattern.test(flag) && !keywords.includes(flag)) keywords.push(flag);
  }
  return [bits, keywords];
}

/** About a mailbox of the account, with its owner's rights. */
function asOwner(
  { id, tenant, quotaBytes, quotaMessages = 0 }: Account,
  name: string,
  ...more: readonly unknown[]
): PackedRead {
  const owner: PackedOwner = [id, tenant, quotaBytes, quotaMessages];
  return [id, tenant, [owner, name, ...more]];
}
