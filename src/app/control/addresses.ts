/**
 * Addresses as operators give them, held to the grammar that SMTP holds everybody to.
 *
 * Runs in:   main thread; pure.
 * Specs:     RFC 5321 §4.1.2 (Mailbox).
 * Invariant: what passes has no control character and no angle bracket that could end a command early.
 */

import { MailError } from '../../base/errors.ts';
import { parsePath } from '../../mail/wire/smtp/path.ts';

/** @throws MailError `argument-invalid` for what could not stand in an envelope. */
export function checkedAddress(address: string): string {
  const line = Buffer.from(`<${address}>`);
  const path = parsePath(line, 0, line.length);
  const isWhole = path !== undefined && path.end === line.length && path.domain !== '';
  if (!isWhole || /[\x00-\x1f\x7f]/.test(address)) {
    throw new MailError('argument-invalid', `no address: ${JSON.stringify(address)}`);
  }
  return address;
}
