/**
 * Signs and seals as the RFCs say, with whatever tags a test wants: written for itself, so that no error of ours is in
 * both the maker and the judge.
 *
 * Runs in: tests. Specs: RFC 6376 §3.4 and §3.7, RFC 8463, RFC 8617 §5.1.
 */

import { createHash, sign } from 'node:crypto';
import type { TestKey } from './keys.ts';

export interface MailParts {
  /** Each as written, folds within, without its last line break. */
  readonly fields: readonly string[];
  readonly body: string;
}

export interface Making {
  readonly key: TestKey;
  readonly domain: string;
  readonly selector: string;
  readonly names: readonly string[];
  /** The value of c=. */
  readonly form: string;
  /** More tags, before `b=`. */
  readonly more?: readonly string[];
  readonly algorithm?: string;
  readonly length?: number;
  readonly separator?: string;
}

export function wholeOf({ fields, body }: MailParts): Buffer {
  return Buffer.from(`${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`, 'latin1');
}

/** A DKIM-Signature or, with an instance, an ARC-Message-Signature. */
export function signatureField(mail: MailParts, making: Making, instance = 0): string {
  const { domain, selector, names, form, more = [], length, separator = ';\r\n\t' } = making;
  const [header = 'simple', body = 'simple'] = form.split('/');
  const hash = createHash(making.algorithm === 'rsa-sha1' ? 'sha1' : 'sha256');
  const covered = canonicalBody(mail.body, body).slice(0, length);
  const tags = [
    ...(instance === 0 ? ['v=1'] : [`i=${instance}`]),
    `a=${making.algorithm ?? making.key.algorithm}`,
    ...(form === '' ? [] : [`c=${form}`]),
    ...[`d=${domain}`, `s=${selector}`, `h=${names.join(':')}`],
    ...(length === undefined ? [] : [`l=${length}`]),
    ...more,
    `bh=${hash.update(covered, 'latin1').digest('base64')}`,
  ];
  const head = `${instance === 0 ? 'DKIM-Signature' : 'ARC-Message-Signature'}: ${tags.join(separator)}${separator}b=`;
  const left = [...mail.fields];
  let input = '';
  for (const name of names) {
    const at = left.findLastIndex((field) => nameOf(field) === name.trim().toLowerCase());
    if (at >= 0) input += `${canonicalField(left.splice(at, 1)[0]!, header)}\r\n`;
  }
  return head + folded(signed(input + canonicalField(head, header), making));
}

/** A set of ARC fields that goes before the others. */
export function arcSet(
  mail: MailParts,
  making: Making,
  instance: number,
  results: string,
  cv: string,
): readonly string[] {
  const own = [
    `ARC-Authentication-Results: i=${instance}; ${results}`,
    signatureField(mail, making, instance),
  ];
  const { domain, selector, key } = making;
  const head = `ARC-Seal: i=${instance}; a=${key.algorithm}; t=1700000000; cv=${cv};\r\n d=${domain}; s=${selector}; b=`;
  const order = ['arc-authentication-results', 'arc-message-signature', 'arc-seal'];
  const earlier: string[] = [];
  for (let i = 1; i < instance; i++) {
    for (const name of order) {
      const set = new RegExp(`[:;]\\s*i=${i};`);
      earlier.push(mail.fields.find((field) => nameOf(field) === name && set.test(field)) ?? '');
    }
  }
  const covered = [...earlier, ...own].map((field) => `${canonicalField(field, 'relaxed')}\r\n`);
  const value = signed(covered.join('') + canonicalField(head, 'relaxed'), making);
  return [head + folded(value), ...own.toReversed()];
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(':')).trim().toLowerCase();
}

function signed(input: string, { key, algorithm }: Making): string {
  const bytes = Buffer.from(input, 'latin1');
  const isRsa = key.algorithm === 'rsa-sha256';
  const hash = algorithm === 'rsa-sha1' ? 'sha1' : 'sha256';
  const value = isRsa
    ? sign(hash, bytes, key.privateKey)
    : sign(null, createHash('sha256').update(bytes).digest(), key.privateKey);
  return value.toString('base64');
}

function folded(text: string): string {
  return text.replace(/.{70}/g, '$&\r\n\t');
}

function canonicalField(field: string, form: string): string {
  if (form !== 'relaxed') return field;
  const colon = field.indexOf(':');
  const value = field.slice(colon + 1).replaceAll('\r\n', '');
  return `${nameOf(field)}:${value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')}`;
}

/** RFC 6376 §3.4.3 and §3.4.4. */
function canonicalBody(body: string, form: string): string {
  let text = body.replace(/\r?\n/g, '\r\n');
  if (form === 'relaxed') text = text.replace(/[ \t]+/g, ' ').replace(/ (?=\r\n|$)/g, '');
  text = text.replace(/(?:\r\n)+$/, '');
  return text === '' && form === 'relaxed' ? '' : `${text}\r\n`;
}
