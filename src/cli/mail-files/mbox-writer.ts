/**
 * A mailbox as an mbox file (mboxrd), and a note beside it of how far it is.
 *
 * Runs in:   the CLI's process.
 * Limits:    `bufferBytesMax` and one message wait to be written.
 * Invariant: the file is right up to where the note says; the next run cuts off what is behind, and goes on there.
 */

import {
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { mebibyte } from '../../base/units.ts';
import { fromLine, toMbox } from '../../mail/formats/mbox/message.ts';
import { separator } from '../../mail/wire/imap/mailbox-name.ts';
import {
  atPath,
  type ExportMailbox,
  folderBelow,
  folderName,
  type MailboxWriter,
  refuseForeign,
  type WholeMessage,
  writeWhole,
} from './writer.ts';

const bufferBytesMax = mebibyte;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

interface Note {
  readonly uidValidity: number;
  readonly nextUid: number;
  readonly bytes: number;
}

export function openMboxWriter(root: string, mailbox: ExportMailbox): MailboxWriter {
  const levels = mailbox.name.split(separator).map(folderName);
  const path = `${join(root, ...levels)}.mbox`;
  return atPath(path, () => {
    folderBelow(root, levels.slice(0, -1));
    return new MboxWriter(path, mailbox);
  });
}

class MboxWriter implements MailboxWriter {
  readonly firstUid: number;
  readonly #notePath: string;
  readonly #uidValidity: number;
  readonly #file: number;
  #nextUid: number;
  #bytes: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(path: string, { uidValidity }: ExportMailbox) {
    this.#notePath = `${path}.json`;
    this.#uidValidity = uidValidity;
    const note = readNote(this.#notePath);
    const isOwn = note?.uidValidity === uidValidity;
    if (!isOwn && (note !== undefined || isThere(path))) refuseForeign(path);
    this.firstUid = note?.nextUid ?? 1;
    this.#nextUid = this.firstUid;
    this.#bytes = note?.bytes ?? 0;
    // The note comes first: a file without one is somebody else's.
    this.#writeNote();
    this.#file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    ftruncateSync(this.#file, this.#bytes);
  }

  write({ uid, internalMs, flags, bytes }: WholeMessage): void {
    for (const part of [Buffer.from(fromLine(internalMs)), toMbox({ bytes, flags })]) {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
    }
    this.#nextUid = uid + 1;
    if (this.#waitingBytes >= bufferBytesMax) this.#flush();
  }

  #flush(): void {
    if (this.#waitingBytes === 0) return;
    const whole = Buffer.concat(this.#waiting);
    for (let at = 0; at < whole.length; ) at += writeSync(this.#file, whole, at);
    this.#bytes += whole.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writeNote();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #writeNote(): void {
    const note: Note = {
      uidValidity: this.#uidValidity,
      nextUid: this.#nextUid,
      bytes: this.#bytes,
    };
    writeWhole(this.#notePath, `${JSON.stringify(note)}\n`);
  }
}

function readNote(path: string): Note | undefined {
  if (!isThere(path)) return undefined;
  const { uidValidity, nextUid, bytes } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Note>;
  const numbers = [uidValidity, nextUid, bytes];
  if (!numbers.every((number) => Number.isSafeInteger(number))) return refuseForeign(path);
  return { uidValidity: uidValidity!, nextUid: nextUid!, bytes: bytes! };
}

/** A link that leads nowhere is there as well. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
