/**
 * The fields final delivery puts on top of a message.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.4 (Return-Path); Delivered-To has no RFC, and every mailer writes it (RFC 9228).
 * Invariant: nothing a peer said can end the line.
 */

import { Buffer } from 'node:buffer';

const lineBreakers = /[\u0000-\u001f\u007f]/g;

export function deliveryFields(sender: string, recipient: string): Buffer {
  return Buffer.from(
    `Return-Path: <${clean(sender)}>\r\nDelivered-To: ${clean(recipient)}\r\n`,
    'utf8',
  );
}

function clean(address: string): string {
  return address.replace(lineBreakers, '?');
}
