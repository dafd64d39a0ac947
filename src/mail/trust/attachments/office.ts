/**
 * Macros and embedded objects of office documents, and documents under a password.
 *
 * Runs in:   engine threads and jobs; pure, linear.
 * Specs:     [MS-CFB] §2.6.1 (names of streams are UTF-16), [MS-OVBA] §2.2.1 (the storage of a VBA project),
 *            [MS-OFFCRYPTO] §2.3.1 (EncryptedPackage).
 * Limits:    names are looked for in all of a file: a document that merely holds such a name as text in UTF-16 is taken
 *            for one with macros. Macros of Excel 4 sheets are not looked for.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../../base/bytes.ts';

const vbaProject = Buffer.from('_VBA_PROJECT', 'utf16le');
const encryptedPackage = Buffer.from('EncryptedPackage', 'utf16le');

export function hasMacros(compound: Uint8Array): boolean {
  return view(compound).includes(vbaProject);
}

export function isLockedDocument(compound: Uint8Array): boolean {
  return view(compound).includes(encryptedPackage);
}

/** In a document that is a ZIP archive. */
export function isMacroEntry(name: string): boolean {
  return /(?:^|\/)vbaproject\.bin$/i.test(name);
}

export function hasObjects(rtf: Uint8Array): boolean {
  return /\\obj(?:data|update|autlink)/i.test(view(rtf).toString('latin1'));
}
