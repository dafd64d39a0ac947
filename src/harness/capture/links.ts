/**
 * The links of a message, and what can be said of them without following one.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 3986, RFC 6068 (mailto).
 * Limits:    `linksMax` links; `linkCharsMax` of each are shown.
 */

import { isIP } from 'node:net';
import type { Email } from 'postal-mime';
import { scanHtml } from './html-scan.ts';

const linksMax = 500;
const linkCharsMax = 2_048;
const textCharsMax = 200;

export type Grade = 'ok' | 'notice' | 'warning' | 'fault';

export interface Link {
  readonly url: string;
  /** Which tag or part it stands in: `a`, `img`, `text` … */
  readonly where: string;
  /** What a reader clicks on. */
  readonly text: string;
  readonly grade: Grade;
  readonly what: string;
}

const urlAttributes: Readonly<Record<string, string>> = {
  ...{ a: 'href', area: 'href', img: 'src', link: 'href', form: 'action', iframe: 'src' },
  ...{ source: 'src', video: 'src', audio: 'src', embed: 'src', object: 'data', script: 'src' },
};
const textUrlPattern = /\bhttps?:\/\/[^\s<>"')\]]{1,2048}/gi;
const placeholder = /\{\{|\}\}|%%|\$\{|\[\[|\bundefined\b|\bnull\b|%7B%7B/i;

export function linksOf(email: Email): readonly Link[] {
  const links: Link[] = [];
  if (email.html !== undefined) addHtmlLinks(email.html, links);
  for (const [url] of (email.text ?? '').matchAll(textUrlPattern)) {
    if (links.length >= linksMax) break;
    const bare = url.replace(/[.,;:!?]+$/, '');
    links.push(judged(bare, 'text', ''));
  }
  return links;
}

function addHtmlLinks(html: string, links: Link[]): void {
  let open: { readonly url: string; readonly where: string; text: string } | undefined;
  const close = () => {
    if (open !== undefined) links.push(judged(open.url, open.where, open.text.trim()));
    open = undefined;
  };
  for (const piece of scanHtml(html)) {
    if (links.length >= linksMax) return;
    if (piece.kind === 'text') {
      if (open !== undefined && open.text.length < textCharsMax) open.text += piece.text;
      continue;
    }
    if (piece.name === 'a') close();
    const attribute = piece.isEnd ? undefined : urlAttributes[piece.name];
    const url = attribute === undefined ? undefined : piece.attributes.get(attribute);
    if (url === undefined || (piece.name === 'img' && /^(?:cid|data):/i.test(url))) continue;
    if (piece.name === 'a') open = { url, where: 'a', text: '' };
    else links.push(judged(url, piece.name, piece.attributes.get('alt') ?? ''));
  }
  close();
}

function judged(given: string, where: string, text: string): Link {
  const { grade, what } = judge(given.trim(), text);
  const url = given.slice(0, linkCharsMax);
  return { url, where, text: text.slice(0, textCharsMax), grade, what };
}

function judge(url: string, text: string): { readonly grade: Grade; readonly what: string } {
  const fault = (what: string) => ({ grade: 'fault' as const, what });
  const warning = (what: string) => ({ grade: 'warning' as const, what });
  if (url === '' || url === '#') return fault('leads nowhere');
  if (placeholder.test(url)) return fault('a placeholder was not filled in');
  if (/\s/.test(url)) return fault('has a space in it: write %20');
  if (!/^[a-z][a-z\d+.-]*:/i.test(url)) {
    return url.startsWith('#')
      ? { grade: 'ok', what: 'a place in this message' }
      : fault('is relative: a message has no base');
  }
  const parsed = URL.parse(url);
  if (parsed === null) return fault('is not a URL');
  switch (parsed.protocol) {
    case 'https:':
    case 'http:':
      return judgeWeb(parsed, url, text);
    case 'mailto:':
      return /^[^@\s]+@[^@\s]+$/.test(decodeMailto(parsed.pathname)) || parsed.pathname === ''
        ? { grade: 'ok', what: '' }
        : fault('names no address');
    case 'tel:':
    case 'sms:':
      return { grade: 'ok', what: '' };
    default:
      return /^(?:javascript|data|vbscript|file):$/.test(parsed.protocol)
        ? fault(`${parsed.protocol} is removed or blocked by mail programs`)
        : warning(`${parsed.protocol} works where a program for it is installed`);
  }

  function judgeWeb(web: URL, whole: string, shown: string) {
    const host = web.hostname;
    if (web.username !== '') return warning('has a user name in it, as phishing does');
    if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) return warning('names an address, not a host');
    if (!host.includes('.')) return warning(`${host} is known on this machine or network only`);
    const named = hostShown(shown);
    if (named !== undefined && named !== bareHost(host)) {
      return warning(`shows ${named} but leads to ${host}, as phishing does`);
    }
    if (whole.length > linkCharsMax) return warning(`is ${whole.length} characters long`);
    if (web.protocol === 'http:') return warning('is not encrypted: write https');
    if (host.includes('xn--'))
      return { grade: 'notice' as const, what: 'has letters of other scripts' };
    return { grade: 'ok' as const, what: '' };
  }
}

function decodeMailto(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

/** The host a text names when it looks like a URL itself. */
function hostShown(text: string): string | undefined {
  const match = /^(?:https?:\/\/)?((?:[a-z\d-]+\.)+[a-z]{2,})(?:[/?#:]\S*)?$/i.exec(text.trim());
  return match === null ? undefined : bareHost(match[1]!);
}

function bareHost(host: string): string {
  return host.toLowerCase().replace(/^www\./, '');
}
