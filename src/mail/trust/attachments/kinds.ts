/**
 * What a file's first bytes say that it is: the few kinds that matter here.
 *
 * Runs in:   engine threads and jobs; pure.
 */

export type FileKind =
  | 'program'
  | 'link'
  | 'zip'
  | 'compound'
  | 'rar'
  | '7z'
  | 'rtf'
  /** Anything else. */
  | 'other';

const magics: readonly (readonly [FileKind, readonly number[]])[] = [
  ['program', [0x4d, 0x5a]],
  ['program', [0x7f, 0x45, 0x4c, 0x46]],
  ['program', [0xcf, 0xfa, 0xed, 0xfe]],
  ['program', [0xce, 0xfa, 0xed, 0xfe]],
  ['program', [0xfe, 0xed, 0xfa, 0xce]],
  ['program', [0xfe, 0xed, 0xfa, 0xcf]],
  ['program', [0xca, 0xfe, 0xba, 0xbe]],
  ['link', [0x4c, 0, 0, 0, 0x01, 0x14, 0x02, 0]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
  ['zip', [0x50, 0x4b, 0x07, 0x08]],
  ['compound', [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]],
  ['rar', [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['rtf', [0x7b, 0x5c, 0x72, 0x74]],
];

/** A program's header is longer. */
const programBytesMin = 64;

export function kindOf(bytes: Uint8Array): FileKind {
  const found = magics.find(([, magic]) => magic.every((byte, at) => bytes[at] === byte));
  if (found === undefined) return 'other';
  const [kind] = found;
  return kind === 'program' && !isBinary(bytes) ? 'other' : kind;
}

/** Text may begin with MZ. */
function isBinary(bytes: Uint8Array): boolean {
  if (bytes.byteLength < programBytesMin) return false;
  return bytes.subarray(0, programBytesMin).some((byte) => byte < 9);
}
