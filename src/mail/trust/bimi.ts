/**
 * The brand indicator of an author's domain: where its logo is, and what proves it.
 *
 * Runs in:   anywhere; pure but for the DNS it is given.
 * Specs:     draft-brand-indicators-for-message-identification §4.2 (record), §4.3 (selectors), §7.1 (who may have
 *            one), §7.2 (look-up: the domain, then its organization).
 * Limits:    two look-ups; URIs of `uriCharsMax`.
 * Invariant: only for mail that passed DMARC under a policy that keeps others out. Nothing is fetched, and no logo
 *            or certificate is believed here.
 */

import type { Dns } from '../../ports/dns.ts';
import { authorDomain } from './quick/author.ts';
import { organizationalDomain } from './quick/dmarc.ts';
import { PlainHeader } from './quick/header.ts';
import type { Verdicts } from './verify.ts';

export interface BimiQuestion {
  /** In lower case. */
  readonly author: string;
  readonly organization: string;
  /** Of `BIMI-Selector`; `default` where there is none. */
  readonly selector: string;
  readonly verdicts: Pick<Verdicts, 'dmarc' | 'dmarcPolicy'>;
}

/**
 * `none`: no record; `skipped`: DMARC does not allow one; `declined`: the domain wants none shown; `temperror`: the DNS
 * did not answer; `fail`: the record is none.
 */
export type BimiVerdict =
  | { readonly result: 'none' | 'skipped' | 'declined' | 'temperror' | 'fail' }
  | {
      readonly result: 'found';
      readonly domain: string;
      readonly selector: string;
      /** Of an SVG, by HTTPS. */
      readonly location: string;
      /** Of a certificate that binds the logo to the domain, by HTTPS; "" for none. */
      readonly authority: string;
    };

type BimiRecord =
  | { readonly location: string; readonly authority: string }
  | 'declined'
  | undefined;

const uriCharsMax = 1_000;
const selectorPattern =
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,3}$/i;

export async function lookUpBimi(
  { author, organization, selector, verdicts }: BimiQuestion,
  dns: Pick<Dns, 'txt'>,
): Promise<BimiVerdict> {
  if (verdicts.dmarc !== 'pass' || verdicts.dmarcPolicy === 'none') return { result: 'skipped' };
  if (!selectorPattern.test(selector)) return { result: 'fail' };
  for (const domain of new Set([author, organization])) {
    const answer = await dns.txt(`${selector}._bimi.${domain}`);
    if (!answer.ok && answer.reason === 'failed') return { result: 'temperror' };
    const texts = answer.ok ? answer.records.filter(isBimiRecord) : [];
    if (texts.length === 0) continue;
    // Several are none.
    const record = texts.length === 1 ? readBimiRecord(texts[0]!) : undefined;
    if (record === undefined) return { result: 'fail' };
    if (record === 'declined') return { result: 'declined' };
    return { result: 'found', domain, selector, ...record };
  }
  return { result: 'none' };
}

/** Undefined: no valid record. */
export function readBimiRecord(text: string): BimiRecord {
  if (!isBimiRecord(text)) return undefined;
  const tags = new Map<string, string>();
  for (const spec of text.split(';').slice(1)) {
    const equals = spec.indexOf('=');
    if (equals < 1) continue;
    const name = spec.slice(0, equals).trim().toLowerCase();
    if (tags.has(name)) return undefined;
    tags.set(name, spec.slice(equals + 1).trim());
  }
  const location = tags.get('l');
  const authority = tags.get('a') ?? '';
  if (location === undefined) return undefined;
  // §4.2: both empty say that the domain wants nothing shown.
  if (location === '' && authority === '') return 'declined';
  if (!isHttps(location) || (authority !== '' && !isHttps(authority))) return undefined;
  return { location, authority };
}

function isBimiRecord(text: string): boolean {
  return /^\s*v\s*=\s*BIMI1\s*(?:;|$)/.test(text);
}

function isHttps(uri: string): boolean {
  return uri.length <= uriCharsMax && /^https:\/\/[^\s,]+$/i.test(uri) && URL.canParse(uri);
}

/** For a message as it came, under the selector `default`. One whose author cannot be told for sure has none. */
export async function bimiOf(
  message: Uint8Array,
  verdicts: BimiQuestion['verdicts'],
  dns: Pick<Dns, 'txt'>,
): Promise<BimiVerdict> {
  const header = PlainHeader.of(message);
  const author = header === undefined ? undefined : authorDomain(header);
  if (author === undefined || verdicts.dmarc !== 'pass') return { result: 'skipped' };
  const organization = await organizationalDomain(author, dns);
  if (organization === undefined) return { result: 'temperror' };
  return await lookUpBimi({ author, organization, selector: 'default', verdicts }, dns);
}
