/**
 * Looks at what is attached to a message: types by name and by content, archives and what is in them, macros.
 *
 * Runs in:   engine threads and jobs; asynchronous for ZIP archives alone.
 * Limits:    `attachmentLimits`. What an archive holds beyond them is the finding `deep`.
 * Invariant: never rejects, whatever the bytes. Nothing is run, written or asked for elsewhere.
 */

import type {
  AttachmentCheck,
  AttachmentFinding,
  AttachmentFindingKind,
  AttachmentRules,
} from '../../../ports/content-scanner.ts';
import { parameter } from '../../formats/headers/parameters.ts';
import { decodeWords } from '../../formats/headers/words.ts';
import { decodeTransfer } from '../../formats/mime/decode.ts';
import { allParts } from '../../formats/mime/parts.ts';
import { type Part, scanStructure } from '../../formats/mime/structure.ts';
import { eachZipEntry, isLockedRar, isLockedSevenZip } from './archives.ts';
import { kindOf } from './kinds.ts';
import { attachmentLimits } from './limits.ts';
import { extensionOf, hasTurnedName, isProgramName } from './names.ts';
import { hasMacros, hasObjects, isLockedDocument, isMacroEntry } from './office.ts';

const nameMax = 100;
/** Looked into where they are in an archive. */
const lookedInto = new Set([
  ...['zip', 'jar', 'docx', 'docm', 'dotm', 'xlsx', 'xlsm', 'xltm', 'xlam', 'pptx', 'pptm'],
  ...['doc', 'dot', 'xls', 'xlt', 'ppt', 'pot', 'rtf', 'rar', '7z'],
]);

export const checkAttachments: AttachmentCheck = async (message, rules) => {
  const { partsMax } = attachmentLimits;
  const limits = { nestingMax: 20, partsMax, missesMax: 10_000 };
  const check = new Check(rules);
  for (const part of allParts(scanStructure(message, limits).root)) {
    if (part.type === 'multipart' || part.message !== undefined) continue;
    await check.part(message, part);
  }
  return check.findings;
};

class Check {
  readonly findings: AttachmentFinding[] = [];
  readonly #rules: AttachmentRules;
  #decodedBytes = 0;
  #inflatedBytes = 0;
  #entries = 0;

  constructor(rules: AttachmentRules) {
    this.#rules = rules;
  }

  async part(message: Uint8Array, part: Part): Promise<void> {
    const name = nameOf(part);
    // Text that nobody named is what is read, not what is opened.
    if (name === '' && part.type === 'text') return;
    const encoded = message.subarray(part.bodyStart, part.bodyEnd);
    this.#decodedBytes += encoded.byteLength;
    const isOver = this.#decodedBytes > attachmentLimits.decodedBytesMax;
    const bytes = isOver ? encoded.subarray(0, 0) : decodeTransfer(encoded, part.encoding);
    await this.#file(name, bytes, 0, part.bodyEnd === message.byteLength && this.#rules.isCut);
  }

  async #file(name: string, bytes: Uint8Array, depth: number, isCut: boolean): Promise<void> {
    this.#named(name);
    switch (kindOf(bytes)) {
      case 'program':
      case 'link':
        if (!isProgramName(name) && !this.#rules.types.has(extensionOf(name))) {
          this.#add('disguised', name, kindOf(bytes));
        }
        return;
      case 'zip':
        return await this.#zip(name, bytes, depth, isCut);
      case 'compound':
        if (hasMacros(bytes)) this.#add('macro', name, 'VBA');
        if (isLockedDocument(bytes)) this.#add('encrypted', name, 'document');
        return;
      case 'rar':
        if (isLockedRar(bytes)) this.#add('encrypted', name, 'RAR');
        return;
      case '7z':
        if (isLockedSevenZip(bytes)) this.#add('encrypted', name, '7z');
        return;
      case 'rtf':
        if (hasObjects(bytes)) this.#add('macro', name, 'object');
        return;
      case 'other':
    }
  }

  async #zip(name: string, bytes: Uint8Array, depth: number, isCut: boolean): Promise<void> {
    if (depth >= attachmentLimits.depthMax) return this.#add('deep', name, 'archive');
    try {
      await eachZipEntry(bytes, async (entry) => {
        if (++this.#entries > attachmentLimits.entriesMax) {
          this.#add('deep', name, 'entries');
          return false;
        }
        const extension = extensionOf(entry.name);
        if (entry.isLocked) this.#add('encrypted', name, 'ZIP');
        if (isMacroEntry(entry.name)) this.#add('macro', name, 'VBA');
        if (!lookedInto.has(extension)) {
          this.#named(entry.name);
          return true;
        }
        const room = attachmentLimits.inflatedBytesMax - this.#inflatedBytes;
        const inner = await entry.read(room);
        if (inner === undefined && !entry.isLocked) this.#add('deep', name, extension);
        this.#inflatedBytes += inner?.byteLength ?? 0;
        await this.#file(entry.name, inner ?? new Uint8Array(0), depth + 1, false);
        return true;
      });
    } catch {
      if (!isCut) this.#add('damaged', name, 'ZIP');
    }
  }

  #named(name: string): void {
    const extension = extensionOf(name);
    if (this.#rules.types.has(extension)) this.#add('type', name, extension);
    if (hasTurnedName(name)) this.#add('disguised', name, 'name');
  }

  /** Each once. */
  #add(kind: AttachmentFindingKind, name: string, detail: string): void {
    const shown = printable(name);
    const isKnown = this.findings.some(
      (each) => each.kind === kind && each.name === shown && each.detail === detail,
    );
    if (isKnown || this.findings.length >= attachmentLimits.findingsMax) return;
    this.findings.push({ kind, name: shown, detail: printable(detail) });
  }
}

function nameOf({ disposition, contentType }: Part): string {
  const given =
    (disposition && parameter(disposition.parameters, 'filename')) ??
    parameter(contentType.parameters, 'name') ??
    '';
  return decodeWords(given);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, nameMax);
}
