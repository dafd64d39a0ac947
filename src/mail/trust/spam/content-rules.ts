/**
 * Rules over what a message holds: its text, addresses of the web, and shape.
 *
 * Runs in: engine threads and jobs; pure.
 */

import { parameter } from '../../formats/headers/parameters.ts';
import type { Part } from '../../formats/mime/structure.ts';
import { isAddressLiteral, registeredName, type Url } from './hosts.ts';
import { isMixedScript, looksLike } from './lookalike.ts';
import type { Reading } from './reading.ts';
import type { Rule } from './rules.ts';

function fileName(part: Part): string {
  const disposition = part.disposition?.parameters ?? [];
  const name = parameter(disposition, 'filename') ?? parameter(part.contentType.parameters, 'name');
  return (name ?? '').slice(-100).toLowerCase().trim();
}

const programEnding = /\.(?:exe|scr|pif|com|bat|cmd|vbs|js|jse|wsf|hta|lnk|jar|ps1|msi|iso|img)$/;
const doubleEnding = /\.(?:pdf|docx?|xlsx?|jpe?g|png|txt)\s{0,80}\.[a-z0-9]{2,4}$/;

/** Words cut by comments, as `via<!-- x -->gra`; counted up to ten. */
function cutWords(html: string): number {
  let count = 0;
  for (let at = html.indexOf('<!--'); at >= 0 && count < 10; at = html.indexOf('<!--', at + 4)) {
    const end = html.indexOf('-->', at + 4);
    if (end < 0) break;
    if (isLetter(html, at - 1) && isLetter(html, end + 3)) count++;
    at = end - 1;
  }
  return count;
}

function isLetter(text: string, at: number): boolean {
  return at >= 0 && /\p{L}/u.test(text.charAt(at));
}

const linkText =
  /<a\s[^<>]{0,1000}?href\s?=\s?["']?https?:\/\/([^/"'\s<>]{1,253})[^<>]{0,1000}>\s?(?:https?:\/\/|www\.)([^/"'\s<>]{3,253})/gi;

/** A link that shows one host and goes to another. */
function hasLyingLink(html: string): boolean {
  let count = 0;
  for (const [, target, shown] of html.matchAll(linkText)) {
    if (++count > 100) return false;
    if (bare(target!) !== bare(shown!)) return true;
  }
  return false;
}

function bare(host: string): string {
  return registeredName(host.toLowerCase().replace(/^.*@/, '').replace(/:\d*$/, ''));
}

/** How many words mix letters of two scripts. */
function mixedWords(text: string): number {
  // Most texts have letters of one: then no word is to be taken out of them.
  return isMixedScript(text) ? text.split(/[^\p{L}]+/u).filter(isMixedScript).length : 0;
}

function someUrl(holds: (url: Url) => boolean): Rule['holds'] {
  return ({ urls }: Reading) => urls.some(holds);
}

const hiddenStyle =
  /(?:display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|font-size\s{0,3}:\s{0,3}[01](?:px|pt)?[;"'\s])/i;

function words(pattern: RegExp): Rule['holds'] {
  return ({ subject, text }) => pattern.test(subject) || pattern.test(text);
}

export const contentRules: readonly Rule[] = [
  {
    name: 'URL_ADDRESS',
    points: 1.2,
    why: 'it leads to a bare network address',
    holds: someUrl(({ host }) => isAddressLiteral(host)),
  },
  {
    name: 'URL_USER',
    points: 2,
    why: 'an address of the web with another name before its host',
    holds: someUrl(({ hasUser }) => hasUser),
  },
  {
    name: 'URL_PORT',
    points: 0.5,
    why: 'an address of the web with an odd port',
    holds: someUrl(({ port }) => port !== '' && !['80', '443', '8080'].includes(port)),
  },
  {
    name: 'URL_MIXED_SCRIPT',
    points: 3,
    why: 'a host that mixes letters of two scripts',
    holds: someUrl(({ host }) => host.split('.').some(isMixedScript)),
  },
  {
    name: 'URL_LOOKALIKE',
    points: 3,
    why: 'a host that looks like one of ours',
    holds: ({ urls }, { ownDomains = [] }) =>
      ownDomains.length > 0 &&
      urls.some(({ host }) => looksLike(registeredName(host), ownDomains) !== undefined),
  },
  {
    name: 'LINK_LIES',
    points: 1.5,
    why: 'a link shows one host and leads to another',
    holds: ({ html }) => hasLyingLink(html),
  },
  {
    name: 'HTML_CUT_WORDS',
    points: 2,
    why: 'comments cut words in pieces',
    holds: ({ html }) => cutWords(html) >= 3,
  },
  {
    name: 'HTML_HIDDEN',
    points: 0.5,
    why: 'text that nobody sees',
    holds: ({ html }) => hiddenStyle.test(html),
  },
  {
    name: 'HTML_FORM',
    points: 1,
    why: 'a form to fill in',
    holds: ({ html }) => /<form[\s>]/i.test(html),
  },
  {
    name: 'HTML_SCRIPT',
    points: 1,
    why: 'a script',
    holds: ({ html }) => /<script[\s>]/i.test(html),
  },
  {
    name: 'HTML_ONLY',
    points: 0.3,
    why: 'HTML without plain text',
    holds: ({ html, parts }) =>
      html !== '' && !parts.some(({ type, subtype }) => type === 'text' && subtype === 'plain'),
  },
  {
    name: 'TEXT_INVISIBLE',
    points: 1.5,
    why: 'invisible characters in its words',
    holds: ({ invisibleCount, text }) => invisibleCount > 10 && invisibleCount * 50 > text.length,
  },
  {
    name: 'TEXT_MIXED_SCRIPT',
    points: 1.5,
    why: 'words that mix letters of two scripts',
    holds: ({ text }) => mixedWords(text.slice(0, 20_000)) >= 3,
  },
  {
    name: 'TEXT_BASE64',
    points: 0.5,
    why: 'text in base64 that needs none',
    holds: ({ parts, text }) =>
      parts.some(({ type, encoding }) => type === 'text' && encoding === 'base64') &&
      text.length > 20 &&
      !/[^\t-~]/.test(text),
  },
  {
    name: 'ATTACHMENT_PROGRAM',
    points: 3,
    why: 'a program is attached',
    holds: ({ parts }) => parts.some((part) => programEnding.test(fileName(part))),
  },
  {
    name: 'ATTACHMENT_DISGUISED',
    points: 2.5,
    why: 'a file with two endings is attached',
    holds: ({ parts }) => parts.some((part) => doubleEnding.test(fileName(part))),
  },
  {
    name: 'ADVANCE_FEE',
    points: 2,
    why: 'words of letters that ask for money in advance',
    holds: words(
      /next of kin|million (?:united states|us) dollars|foreign partner|transfer of funds/i,
    ),
  },
  {
    name: 'DRUGS',
    points: 1.5,
    why: 'words of sellers of drugs',
    holds: words(/\b(?:viagra|cialis|levitra|xanax|phentermine)\b/i),
  },
];
