/**
 * Looks at what is attached to a message: types by name and by content, archives and what is in them, macros.
 *
 * Runs in:   engine threads and jobs; asynchronous for ZIP archives alone.
 * Limits:    `attachmentLimits`. What an archive holds beyond them is the finding `deep`.
 * Invariant: never rejects, whatever the bytes. Nothing is run, written or asked for elsewhere.
 */

import { Buffer } from 'node:buffer';
import { concat, view } from '../../../base/bytes.ts';
import type {
  AttachmentCheck,
  AttachmentFinding,
  AttachmentFindingKind,
  AttachmentRules,
} from '../../../ports/content-scanner.ts';
import { decodeTransfer } from '../../formats/mime/decode.ts';
import { type Part, scanStructure } from '../../formats/mime/structure.ts';
import { isLockedRar, isLockedSevenZip } from './archives.ts';
import { encodedFiles } from './encoded-files.ts';
import { kindOf } from './kinds.ts';
import { attachmentLimits } from './limits.ts';
import { extensionsOf, hasTurnedName, isProgramName } from './names.ts';
import {
  hasMacros,
  hasObjects,
  isLockedDocument,
  isMacroEntry,
  isTypesEntry,
  macrosOfTypes,
} from './office.ts';
import { namesOf } from './part-names.ts';
import { hasZipEnd, type ZipEntry, zipEntries } from './zip.ts';

const nameMax = 100;
/** Looked into where they are in an archive, whatever they begin with. */
const lookedInto = new Set([
  ...['zip', 'jar', 'docx', 'docm', 'dotx', 'dotm', 'xlsx', 'xlsm', 'xlsb', 'xltx', 'xltm', 'xlam'],
  ...['pptx', 'pptm', 'potx', 'potm', 'ppsx', 'ppsm', 'ppam', 'sldm', 'vsdm', 'doc', 'dot', 'wbk'],
  ...[
    'xls',
    'xlt',
    'xla',
    'ppt',
    'pot',
    'pps',
    'ppa',
    'pub',
    'mpp',
    'msg',
    'rtf',
    'rar',
    '7z',
    'eml',
  ],
]);
/** Headers of an archive between which others have a turn. */
const headersPerTurn = 50;

export const checkAttachments: AttachmentCheck = async (message, rules) => {
  const check = new Check(rules);
  await check.message(message, 0, rules.isCut);
  return check.findings;
};

class Check {
  readonly findings: AttachmentFinding[] = [];
  readonly #rules: AttachmentRules;
  #parts = 0;
  #decodedBytes = 0;
  #inflatedBytes = 0;
  #headers = 0;
  #entries = 0;

  constructor(rules: AttachmentRules) {
    this.#rules = rules;
  }

  async message(message: Uint8Array, depth: number, isCut: boolean): Promise<void> {
    const { nestingMax, missesMax } = attachmentLimits;
    const partsMax = attachmentLimits.partsMax - this.#parts;
    if (partsMax <= 0) return this.#add('deep', '', 'parts');
    const { root, isTruncated } = scanStructure(message, { nestingMax, missesMax, partsMax });
    if (isTruncated && !isCut) this.#add('deep', '', 'parts');
    for (const part of partsOf(root)) {
      this.#parts++;
      await this.#part(message, part, depth, isCut && part.bodyEnd === message.byteLength);
    }
  }

  async #part(message: Uint8Array, part: Part, depth: number, isCut: boolean): Promise<void> {
    const { names, isCut: isHeaderCut } = namesOf(message, part);
    const [name = ''] = names;
    for (const each of names) this.#named(each);
    if (isHeaderCut && !isCut) this.#add('deep', name, 'header');
    // Their parts have their turn, unless they are encoded, which is wrong and understood by many.
    if (part.children.length > 0 || (part.message !== undefined && !isEncoded(part))) return;
    const encoded = message.subarray(part.bodyStart, part.bodyEnd);
    this.#decodedBytes += encoded.byteLength;
    if (this.#decodedBytes > attachmentLimits.decodedBytesMax) {
      return this.#add('deep', name, 'size');
    }
    // Text that nobody named is what is read, not what is opened.
    if (names.length === 0 && part.type === 'text') {
      return await this.#encodedFiles(
        part.encoding === 'base64' ? decodedWhole(encoded) : encoded,
        depth,
        isCut,
      );
    }
    if (part.encoding.includes('uue')) return await this.#encodedFiles(encoded, depth, isCut);
    const isBase64 = part.encoding === 'base64';
    const bytes = isBase64 ? decodedWhole(encoded) : decodeTransfer(encoded, part.encoding);
    if (part.message !== undefined) return await this.#enclosed(name, bytes, depth, isCut);
    await this.#file(names.length === 0 ? [''] : names, bytes, depth, isCut);
  }

  async #encodedFiles(text: Uint8Array, depth: number, isCut: boolean): Promise<void> {
    for (const { name, bytes } of encodedFiles(text)) {
      this.#named(name);
      await this.#file([name], bytes, depth, isCut);
    }
  }

  async #file(
    names: readonly string[],
    bytes: Uint8Array,
    depth: number,
    isCut: boolean,
  ): Promise<void> {
    const name = names[0]!;
    const kind = kindOf(bytes);
    const isZip = kind === 'zip' || hasZipEnd(bytes);
    if (isZip) await this.#zip(name, bytes, depth, isCut);
    switch (kind) {
      case 'program':
      case 'link':
        if (!names.some((each) => this.#isSaid(each))) this.#add('disguised', name, kind);
        return;
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
      case 'zip':
        return;
      case 'other':
        if (!isZip && names.some((each) => extensionsOf(each).includes('eml'))) {
          await this.#enclosed(name, bytes, depth, isCut);
        }
    }
  }

  /** A program that is called one. */
  #isSaid(name: string): boolean {
    return isProgramName(name) || extensionsOf(name).some((each) => this.#rules.types.has(each));
  }

  async #enclosed(name: string, bytes: Uint8Array, depth: number, isCut: boolean): Promise<void> {
    if (depth >= attachmentLimits.depthMax) return this.#add('deep', name, 'message');
    await this.message(bytes, depth + 1, isCut);
  }

  async #zip(name: string, bytes: Uint8Array, depth: number, isCut: boolean): Promise<void> {
    if (depth >= attachmentLimits.depthMax) return this.#add('deep', name, 'archive');
    if (!hasZipEnd(bytes) && !isCut) this.#add('damaged', name, 'ZIP');
    const known = { named: new Set<string>(), seen: new Set<string>() };
    const { entriesMax } = attachmentLimits;
    for (const entry of zipEntries(bytes, entriesMax)) {
      if (++this.#headers % headersPerTurn === 0) await turn();
      const isFile = entry?.file !== undefined;
      const isOver = this.#headers > 2 * entriesMax || (isFile && ++this.#entries > entriesMax);
      if (entry === undefined || isOver) {
        this.#add('deep', name, 'entries');
        break;
      }
      if (entry.isLocked) this.#add('encrypted', name, 'ZIP');
      for (const each of entry.names) {
        this.#named(each);
        if (isMacroEntry(each)) this.#add('macro', name, 'VBA');
      }
      const [of] = entry.names as [string];
      (isFile ? known.seen : known.named).add(of);
      if (isFile && !entry.isLocked) await this.#entry(name, entry, entry.file, depth);
    }
    const isUnseen = (each: string) => isLookedInto(each) && !known.seen.has(each);
    if (!isCut && [...known.named].some(isUnseen)) this.#add('deep', name, 'directory');
  }

  async #entry(
    archive: string,
    { names }: ZipEntry,
    file: NonNullable<ZipEntry['file']>,
    depth: number,
  ): Promise<void> {
    const head = file.head();
    const kind = kindOf(head);
    if (kind === 'program' || kind === 'link') {
      await this.#file(names, head, depth + 1, false);
      return;
    }
    const isTypes = names.some(isTypesEntry);
    if (kind === 'other' && !isTypes && !names.some(isLookedInto)) return;
    const room = attachmentLimits.inflatedBytesMax - this.#inflatedBytes;
    const inner = await file.read(room);
    // What cannot be read may have taken as much time as what can.
    this.#inflatedBytes += inner?.byteLength ?? Math.max(0, room);
    if (inner === undefined) return this.#add('deep', archive, extensionsOf(names[0]!)[0] ?? kind);
    const macros = isTypes ? macrosOfTypes(inner) : '';
    if (macros !== '') this.#add('macro', archive, macros);
    if (!isTypes) await this.#file(names, inner, depth + 1, false);
  }

  #named(name: string): void {
    for (const extension of extensionsOf(name)) {
      if (this.#rules.types.has(extension)) this.#add('type', name, extension);
    }
    if (hasTurnedName(name)) this.#add('disguised', name, 'name');
  }

  /** Each once, and one of each kind at least: those that are let pass leave room for those that are not. */
  #add(kind: AttachmentFindingKind, name: string, detail: string): void {
    const shown = printable(name);
    const own = this.findings.filter((each) => each.kind === kind);
    const isKnown = own.some((each) => each.name === shown && each.detail === detail);
    const isFull = this.findings.length >= attachmentLimits.findingsMax && own.length > 0;
    if (isKnown || isFull) return;
    this.findings.push({ kind, name: shown, detail: printable(detail) });
  }
}

function isLookedInto(name: string): boolean {
  return extensionsOf(name).some((extension) => lookedInto.has(extension));
}

/** Beyond padding too: programs differ in whether it is the end. */
function decodedWhole(base64: Uint8Array): Uint8Array {
  const text = view(base64).toString('latin1');
  const padding = text.indexOf('=');
  if (padding < 0 || !/[\dA-Za-z+/]/.test(text.slice(padding))) {
    return decodeTransfer(base64, 'base64');
  }
  return concat(text.split(/=+/).map((piece) => Buffer.from(piece, 'base64')));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** In order; not what an encoded message reads like before it is decoded. */
function* partsOf(root: Part): Generator<Part, void> {
  const waiting = [root];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    yield part;
    waiting.push(...part.children.toReversed());
    if (part.message !== undefined && !isEncoded(part)) waiting.push(part.message.root);
  }
}

function isEncoded({ encoding }: Part): boolean {
  return encoding === 'base64' || encoding === 'quoted-printable';
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, nameMax);
}
