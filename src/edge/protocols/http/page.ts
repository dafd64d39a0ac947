/**
 * Small pages for people who follow a link in a mail.
 *
 * Runs in:   edge (main thread); pure.
 * Invariant: a page asks nobody else for anything, is in no index, and tells no other site where its reader was.
 */

import type { HttpAnswer } from './server.ts';

export interface Page {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** HTML behind it. */
  readonly more?: string;
}

export function page({ status, title, text, more = '' }: Page): HttpAnswer {
  const head =
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">';
  const body = `<!doctype html><html lang="en"><head>${head}<title>${escaped(title)}</title></head><body><p>${escaped(text)}</p>${more}</body></html>\n`;
  return { status, type: 'text/html; charset=utf-8', body };
}

/** Answered by `confirm=yes`. */
export function confirmForm(button: string): string {
  return `<form method="post"><input type="hidden" name="confirm" value="yes"><button>${escaped(button)}</button></form>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
