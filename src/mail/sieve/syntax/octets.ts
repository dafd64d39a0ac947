/**
 * From a script's octets to its text.
 *
 * Runs in:   anywhere; pure; linear time.
 * Specs:     RFC 5228 §2.1: scripts are UTF-8.
 */

import { Buffer, isUtf8 } from 'node:buffer';
import { SieveFault } from '../fault.ts';

const replacement = '\ufffd';
const replacementOctets = Buffer.from(replacement);

export interface DecodedScript {
  /** Where there is a fault: with U+FFFD for what is no UTF-8, so that places can be told. */
  readonly source: string;
  readonly fault: SieveFault | undefined;
}

export function decodeScript(octets: Uint8Array): DecodedScript {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const source = bytes.toString('utf8');
  if (isUtf8(bytes)) return { source, fault: undefined };
  let at = source.indexOf(replacement);
  let offset = Buffer.byteLength(source.slice(0, at), 'utf8');
  // One that the script itself has.
  while (bytes.subarray(offset, offset + 3).equals(replacementOctets)) {
    const next = source.indexOf(replacement, at + 1);
    offset += Buffer.byteLength(source.slice(at, next), 'utf8');
    at = next;
  }
  const shown = bytes[offset]!.toString(16).toUpperCase().padStart(2, '0');
  return {
    source,
    fault: new SieveFault(at, `octet ${shown} is no UTF-8: save the script as UTF-8`),
  };
}
