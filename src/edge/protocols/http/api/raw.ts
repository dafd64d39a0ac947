/**
 * Reads a message that comes whole, as `message/rfc822`.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5322 §2.3 (CR and LF only together), RFC 5321 §2.3.8.
 * Invariant: what passes is in SMTP's canonical form.
 */

import { concat, latin1 } from '../../../../base/bytes.ts';
import { mailboxesOf, parseAddressList } from '../../../../mail/formats/address/parse.ts';
import { fieldName, findField } from '../../../../mail/formats/headers/fields.ts';
import { HeaderScan } from '../../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../../mail/formats/headers/unfold.ts';
import { ApiFault } from './fault.ts';

const lineFeed = 10;
const carriageReturn = 13;
const fromName = fieldName('from');

/** Line feeds alone are mended where a message has no others: files on most systems are so. @throws ApiFault */
export function canonical(message: Buffer, lineBytesMax: number): Buffer {
  const isUnix = !message.includes(carriageReturn);
  const text = isUnix ? withCrlf(message) : message;
  let start = 0;
  for (let at = text.indexOf(lineFeed); at >= 0; at = text.indexOf(lineFeed, start)) {
    if (at === 0 || text[at - 1] !== carriageReturn) throw bare();
    const odd = text.subarray(start, at - 1);
    if (odd.includes(carriageReturn)) throw bare();
    if (odd.length > lineBytesMax) {
      throw new ApiFault('line-too-long', `a line has over ${lineBytesMax} bytes`);
    }
    start = at + 1;
  }
  if (start === text.length) return text;
  const last = text.subarray(start);
  if (last.includes(carriageReturn)) throw bare();
  if (last.length > lineBytesMax) {
    throw new ApiFault('line-too-long', `a line has over ${lineBytesMax} bytes`);
  }
  return concat([text, latin1('\r\n')]);
}

function bare(): ApiFault {
  return new ApiFault('newline-bare', 'a CR or LF stands alone');
}

function withCrlf(text: Buffer): Buffer {
  let count = 0;
  for (let at = text.indexOf(lineFeed); at >= 0; at = text.indexOf(lineFeed, at + 1)) count++;
  const out = Buffer.allocUnsafe(text.length + count);
  let [from, to] = [0, 0];
  for (let at = text.indexOf(lineFeed); at >= 0; at = text.indexOf(lineFeed, from)) {
    to += text.copy(out, to, from, at);
    out[to++] = carriageReturn;
    out[to++] = lineFeed;
    from = at + 1;
  }
  text.copy(out, to, from);
  return out;
}

const scan = new HeaderScan();

/** The domains its From field names: all of them are judged. */
export function authorDomains(message: Buffer): readonly string[] {
  scan.scan(message);
  const from = findField(scan, fromName);
  if (from < 0) return [];
  const domains = mailboxesOf(parseAddressList(unfoldedValue(scan, from))).map(
    ({ domain }) => domain,
  );
  return [...new Set(domains)];
}
