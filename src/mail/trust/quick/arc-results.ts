/**
 * What an earlier server found, as the newest ARC-Authentication-Results says it.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8617 §4.1.1, RFC 8601 §2.2.
 * Invariant: read only where quotes, comments and semicolons mean the same to every reader; else `undefined`.
 */

import { isToken } from './shapes.ts';

const printable = /^[\t\x20-\x7e]*$/;
const quotedPart = /^(?:[^"]|=[ \t]*"[^"();]*")*$/;
const resinfo = /^([a-z0-9]+) ?= ?([a-z]+)((?: [^ ].*)?)$/i;
const property = /^([a-z0-9-]+(?:\.[a-z0-9_-]+)?)=(?:"([^"]*)"|([^"]*))$/i;
const wordCharsMax = 256;
/** Names that mean something to a reader of the whole field, not of a property. */
const oddProperties: readonly string[] = ['header', 'result', 'value', 'i', 'comment'];

/** `spf=pass dkim=pass dkdomain=example.org …`: verdicts and whom they are about. */
export function earlierResults(value: string): string | undefined {
  const text = value.replaceAll('\r\n', '');
  if (!printable.test(text) || text.includes('\\') || !quotedPart.test(text)) return undefined;
  const parts = withoutComments(text)?.split(';') ?? [];
  let nameless = 0;
  let spf = '';
  let dkim = '';
  let dmarc = '';
  for (const part of parts) {
    const trimmed = part.replace(/[ \t]+/g, ' ').trim();
    if (trimmed === '') continue;
    if (!trimmed.includes('=')) {
      // The first is who found it.
      if (++nameless > 1) return undefined;
      continue;
    }
    const method = trimmed.slice(0, trimmed.indexOf('=')).trim().toLowerCase();
    if (method !== 'spf' && method !== 'dkim' && method !== 'dmarc') continue;
    const found = readResult(trimmed);
    if (found === undefined) return undefined;
    const { result, properties } = found;
    if (method === 'spf') spf = ` spf=${result}`;
    else if (method === 'dkim') {
      const domain = properties.get('header.i');
      dkim += ` dkim=${result}`;
      if (domain !== undefined) dkim += ` dkdomain=${domain.replace(/^@/, '')}`;
    } else {
      const domain = properties.get('header.from');
      dmarc = ` dmarc=${result}${domain === undefined ? '' : ` fromdomain=${domain}`}`;
    }
  }
  return parts.length === 0 ? undefined : spf + dkim + dmarc;
}

/** RFC 5322 §3.2.2: comments nest. */
function withoutComments(text: string): string | undefined {
  let left = '';
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '(') {
      if (depth++ === 0) left += text.slice(start, at);
    } else if (char === ')') {
      if (--depth < 0) return undefined;
      start = at + 1;
    }
  }
  return depth === 0 ? left + text.slice(start) : undefined;
}

function readResult(
  text: string,
): { readonly result: string; readonly properties: ReadonlyMap<string, string> } | undefined {
  const match = resinfo.exec(text);
  if (match === null) return undefined;
  const properties = new Map<string, string>();
  for (const word of match[3]!.split(' ')) {
    if (word === '') continue;
    const found = property.exec(word);
    if (found === null || oddProperties.includes(found[1]!)) return undefined;
    const value = found[2] ?? found[3]!;
    const isPrinted = found[1] === 'header.i' || found[1] === 'header.from';
    if (isPrinted && !isPlainValue(value)) return undefined;
    properties.set(found[1]!, value);
  }
  return { result: match[2]!, properties };
}

function isPlainValue(value: string): boolean {
  return value.length <= wordCharsMax && value !== '' && isToken(value.replaceAll('@', ''));
}
