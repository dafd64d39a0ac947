/**
 * Which captured messages a search means: words, and words of one field as `from:ann subject:"hello there"`.
 *
 * Runs in:   sink; pure.
 * Limits:    `wordsMax` words, `wordCharsMax` each.
 */

import type { Summary } from './captured-message.ts';

const wordsMax = 32;
const wordCharsMax = 200;

export const searchFields = ['from', 'to', 'subject', 'text', 'has'] as const;
export type SearchField = (typeof searchFields)[number];

/** All of it must be found; words in lower case. */
export type Search = readonly { readonly field: SearchField; readonly word: string }[];

export interface Searchable {
  readonly summary: Summary;
  /** In lower case. */
  readonly text: string;
}

const wordPattern = /(?:(from|to|subject|text|has):)?(?:"([^"]*)"|(\S+))/gi;

export function parseSearch(query: string): Search {
  const search: { field: SearchField; word: string }[] = [];
  for (const [, field, quoted, plain] of query.matchAll(wordPattern)) {
    const word = (quoted ?? plain ?? '').slice(0, wordCharsMax).toLowerCase();
    if (word !== '') search.push({ field: (field?.toLowerCase() ?? 'text') as SearchField, word });
    if (search.length === wordsMax) break;
  }
  return search;
}

export function isFound({ summary, text }: Searchable, search: Search): boolean {
  const look: Readonly<Record<SearchField, (word: string) => boolean>> = {
    from: (word) => holds([summary.from, summary.sender], word),
    to: (word) => holds([...summary.to, ...summary.recipients], word),
    subject: (word) => holds([summary.subject], word),
    has: (word) => hasWhat(summary, word),
    text: (word) => text.includes(word),
  };
  return search.every(({ field, word }) => look[field](word));
}

function holds(texts: readonly string[], word: string): boolean {
  return texts.some((text) => text.toLowerCase().includes(word));
}

function hasWhat(summary: Summary, word: string): boolean {
  if (word.startsWith('attach')) return summary.attachments > 0;
  return word === 'html' && summary.hasHtml;
}
