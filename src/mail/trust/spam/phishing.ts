/**
 * Which rules say that a message may pretend to be somebody else's: what a mail program warns its reader of.
 *
 * Runs in:   engine threads and jobs; pure.
 * Invariant: the words are kept as they are: programs and scripts go by them.
 */

import type { Hit } from './rules.ts';

const wordOf: ReadonlyMap<string, string> = new Map([
  ['DMARC_FAIL', 'author-not-vouched-for'],
  ['DMARC_FAIL_STRICT', 'author-not-vouched-for'],
  ['FROM_LOOKALIKE', 'author-looks-like-us'],
  ['FROM_MIXED_SCRIPT', 'author-mixed-script'],
  ['FROM_NAME_ADDRESS', 'author-other-address'],
  ['FROM_BRAND', 'author-known-name'],
  ['REPLY_ELSEWHERE', 'replies-elsewhere'],
  ['URL_LOOKALIKE', 'link-looks-like-us'],
  ['URL_MIXED_SCRIPT', 'link-mixed-script'],
  ['URL_ADDRESS', 'link-to-address'],
  ['URL_USER', 'link-with-other-name'],
  ['LINK_LIES', 'link-shows-other-host'],
  ['HTML_FORM', 'form'],
  ['ATTACHMENT_DISGUISED', 'attachment-disguised'],
]);

/** Each once, in the order of the rules. */
export function phishingWords(hits: readonly Hit[]): readonly string[] {
  return [...new Set(hits.flatMap(({ rule }) => wordOf.get(rule) ?? []))];
}
