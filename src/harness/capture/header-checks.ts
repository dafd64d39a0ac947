/**
 * What large receivers want of a header, checked on a captured message.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 5322 §3.6 (fields), §2.1.1 (line length), RFC 8058 and RFC 2369 (unsubscribe), RFC 7489 §3.1
 *            (alignment), RFC 2046 §5.1.4 (alternatives).
 * Limits:    relaxed alignment compares the last two labels (three below two-letter domains as co.uk): the list of
 *            public suffixes is not read.
 */

import type { Email } from 'postal-mime';
import { dayMs } from '../../base/units.ts';
import type { CapturedEnvelope } from './captured-message.ts';
import type { Grade } from './links.ts';

export interface HeaderCheck {
  readonly name: string;
  readonly grade: Grade;
  readonly what: string;
}

const lineBytesMax = 998;
/** Gmail shows the rest behind a link. */
const clippedBytes = 102 * 1024;
const subjectCharsGood = 78;
/** Comments of a longer one are not looked for: that takes the square of its length. */
const dateCharsMax = 200;

export interface Checked {
  readonly email: Email;
  readonly source: Buffer;
  readonly envelope: CapturedEnvelope;
}

export function checkHeader({ email, source, envelope }: Checked): readonly HeaderCheck[] {
  return [
    checkDate(email, envelope.receivedMs),
    checkMessageId(email),
    checkFrom(email),
    checkSubject(email),
    ...checkAlignment(email, envelope),
    checkUnsubscribe(email),
    checkParts(email),
    checkLines(source),
    ...checkSize(email),
  ];
}

const ok = (name: string, what: string): HeaderCheck => ({ name, grade: 'ok', what });
const notice = (name: string, what: string): HeaderCheck => ({ name, grade: 'notice', what });
const warning = (name: string, what: string): HeaderCheck => ({ name, grade: 'warning', what });
const fault = (name: string, what: string): HeaderCheck => ({ name, grade: 'fault', what });

function valuesOf(email: Email, key: string): readonly string[] {
  return email.headers.filter((header) => header.key === key).map(({ value }) => value);
}

function checkDate(email: Email, receivedMs: number): HeaderCheck {
  const dates = valuesOf(email, 'date');
  if (dates.length === 0) return fault('Date', 'is missing: RFC 5322 requires one');
  if (dates.length > 1) return fault('Date', `stands ${dates.length} times`);
  const atMs = Date.parse(dates[0]!.slice(0, dateCharsMax).replace(/\([^)]*\)/g, ''));
  if (Number.isNaN(atMs)) return fault('Date', `cannot be read: ${dates[0]}`);
  const days = Math.round((atMs - receivedMs) / dayMs);
  if (Math.abs(atMs - receivedMs) <= dayMs) return ok('Date', dates[0]!);
  return warning('Date', `is ${Math.abs(days)} days ${days > 0 ? 'ahead' : 'ago'}`);
}

function checkMessageId(email: Email): HeaderCheck {
  const name = 'Message-ID';
  const ids = valuesOf(email, 'message-id');
  if (ids.length === 0) return fault(name, 'is missing: receivers add their own or refuse');
  if (ids.length > 1) return fault(name, `stands ${ids.length} times`);
  const host = /^<[^<>@\s]+@([^<>@\s]+)>$/.exec(ids[0]!.trim())?.[1];
  if (host === undefined) return fault(name, `is not <left@right>: ${ids[0]}`);
  if (!host.includes('.')) return warning(name, `ends in ${host}, which is no domain`);
  return ok(name, ids[0]!);
}

function checkFrom(email: Email): HeaderCheck {
  const fields = valuesOf(email, 'from');
  if (fields.length === 0) return fault('From', 'is missing');
  if (fields.length > 1) return fault('From', `stands ${fields.length} times: DMARC refuses that`);
  if (fromDomain(email) === '') return fault('From', `names no address: ${fields[0]}`);
  return ok('From', fields[0]!);
}

function checkSubject(email: Email): HeaderCheck {
  const subject = email.subject ?? '';
  if (subject.trim() === '') return warning('Subject', 'is missing');
  if (/\{\{|\}\}|%%|\$\{|\bundefined\b/.test(subject)) {
    return fault('Subject', `a placeholder was not filled in: ${subject}`);
  }
  if (subject.length > subjectCharsGood) {
    return notice('Subject', `has ${subject.length} characters; phones show about 40`);
  }
  return ok('Subject', subject);
}

/** RFC 7489 §3.1: DMARC passes by SPF or DKIM of a domain that is aligned with From. */
function checkAlignment(email: Email, { sender }: CapturedEnvelope): readonly HeaderCheck[] {
  const from = fromDomain(email);
  if (from === '') return [];
  const envelope = domainOf(sender);
  const signers = valuesOf(email, 'dkim-signature')
    .map((value) => /(?:^|;)\s*d=\s*([^;\s]+)/.exec(value)?.[1]?.toLowerCase() ?? '')
    .filter((domain) => domain !== '');
  const bySpf = envelope !== '' && isAligned(from, envelope);
  const signer = signers.find((domain) => isAligned(from, domain));
  const what = (name: string, isGood: boolean, text: string) =>
    isGood ? ok(name, text) : notice(name, text);
  const checks = [
    what(
      'SPF alignment',
      bySpf,
      envelope === ''
        ? 'the envelope sender is empty: SPF has no domain to align'
        : `envelope sender ${envelope}, From ${from}: ${bySpf ? 'aligned' : 'not aligned'}`,
    ),
    what(
      'DKIM alignment',
      signer !== undefined,
      signers.length === 0
        ? 'no signature here (a relay may add it later)'
        : `signed by ${signers.join(', ')}, From ${from}: ${signer === undefined ? 'not aligned' : 'aligned'}`,
    ),
  ];
  const passes = bySpf || signer !== undefined;
  return [
    ...checks,
    passes
      ? ok('DMARC alignment', 'one of the two is aligned: DMARC can pass')
      : warning('DMARC alignment', 'neither is aligned: DMARC cannot pass'),
  ];
}

function checkUnsubscribe(email: Email): HeaderCheck {
  const name = 'List-Unsubscribe';
  const [value] = valuesOf(email, 'list-unsubscribe');
  const isList = valuesOf(email, 'list-id').length > 0 || isBulk(email);
  if (value === undefined) {
    return isList
      ? fault(name, 'is missing from a mailing: large receivers require it')
      : notice(name, 'is missing: mailings need it, receipts and the like do not');
  }
  if (!/<(?:https?|mailto):[^<>\s]+>/i.test(value)) {
    return fault(name, `names no <https:…> or <mailto:…>: ${value}`);
  }
  const [post] = valuesOf(email, 'list-unsubscribe-post');
  if (post === undefined)
    return warning(name, 'has no List-Unsubscribe-Post for one click (RFC 8058)');
  if (post.trim().toLowerCase() !== 'list-unsubscribe=one-click') {
    return fault('List-Unsubscribe-Post', 'must be List-Unsubscribe=One-Click');
  }
  if (!/<https:[^<>\s]+>/i.test(value)) return fault(name, 'needs an https: URL for one click');
  return ok(name, value);
}

function isBulk(email: Email): boolean {
  return valuesOf(email, 'precedence').some((value) => /^\s*(?:bulk|list)\b/i.test(value));
}

function checkParts(email: Email): HeaderCheck {
  if (email.html === undefined) return ok('Parts', 'plain text');
  const isMixed = email.headers.some(
    ({ key, value }) => key === 'content-type' && /^multipart\//i.test(value.trim()),
  );
  return isMixed
    ? ok('Parts', 'HTML in a multipart message')
    : warning('Parts', 'HTML alone: add a plain text alternative');
}

function checkLines(source: Buffer): HeaderCheck {
  let longest = 0;
  let start = 0;
  for (let end = source.indexOf(10); end !== -1; end = source.indexOf(10, start)) {
    longest = Math.max(longest, end - start - 1);
    start = end + 1;
  }
  longest = Math.max(longest, source.length - start);
  return longest > lineBytesMax
    ? fault('Line length', `a line has ${longest} bytes, over ${lineBytesMax}: encode the body`)
    : ok('Line length', `at most ${longest} bytes`);
}

function checkSize(email: Email): readonly HeaderCheck[] {
  const bytes = Buffer.byteLength(email.html ?? '');
  if (bytes <= clippedBytes) return [];
  return [warning('HTML size', `is ${Math.round(bytes / 1024)} KiB; Gmail clips at 102`)];
}

function fromDomain(email: Email): string {
  return domainOf(email.from?.address ?? '');
}

function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1
    ? ''
    : address
        .slice(at + 1)
        .toLowerCase()
        .replace(/\.$/, '');
}

function isAligned(one: string, other: string): boolean {
  return organizationOf(one) === organizationOf(other);
}

function organizationOf(domain: string): string {
  const labels = domain.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  const isDeep =
    top.length === 2 && (second.length <= 2 || /^(?:com|org|net|gov|edu)$/.test(second));
  return labels.slice(isDeep ? -3 : -2).join('.');
}
