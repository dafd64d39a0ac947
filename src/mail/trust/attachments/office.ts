/**
 * Macros and embedded objects of office documents, and documents under a password.
 *
 * Runs in:   engine threads and jobs; pure, linear.
 * Specs:     [MS-CFB] §2.6.1 (names of streams are UTF-16, compared without case), [MS-OVBA] §2.2.1 (the storage of a
 *            VBA project), [MS-OFFCRYPTO] §2.3.1 (EncryptedPackage), ECMA-376-2 §10.1.2 (types of parts, whatever their
 *            names).
 * Limits:    names are looked for in all of a file: a document that merely holds such a name as text in UTF-16 is taken
 *            for one with macros. Macros of Excel 4 are looked for in documents that are ZIP archives alone.
 */

import { view } from '../../../base/bytes.ts';

const vbaProject = wide('_VBA_PROJECT');
const encryptedPackage = wide('EncryptedPackage');

/** A name in UTF-16, in any case, in bytes read as Latin-1. */
function wide(name: string): RegExp {
  return new RegExp([...name].join('\\0'), 'i');
}

export function hasMacros(compound: Uint8Array): boolean {
  return vbaProject.test(view(compound).toString('latin1'));
}

export function isLockedDocument(compound: Uint8Array): boolean {
  return encryptedPackage.test(view(compound).toString('latin1'));
}

/** In a document that is a ZIP archive. */
export function isMacroEntry(name: string): boolean {
  return /(?:^|[\\/])vbaproject\.bin$/i.test(name);
}

/** The entry that says what each part of a document is. */
export function isTypesEntry(name: string): boolean {
  return /^[\\/]?\[content_types\]\.xml$/i.test(name);
}

/** "" for none. In UTF-8 or UTF-16; letters may be written as numbers. */
export function macrosOfTypes(types: Uint8Array): '' | 'VBA' | 'Excel 4' {
  const plain = view(types)
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_, hex, decimal) => charOf(hex, decimal));
  if (/vnd\.ms-office\.vbaProject/i.test(plain)) return 'VBA';
  return /vnd\.ms-excel\.(?:intl)?macrosheet/i.test(plain) ? 'Excel 4' : '';
}

function charOf(hex: string | undefined, decimal: string | undefined): string {
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code < 128 ? String.fromCharCode(code) : '?';
}

export function hasObjects(rtf: Uint8Array): boolean {
  return /\\obj(?:data|update|autlink)/i.test(view(rtf).toString('latin1'));
}
