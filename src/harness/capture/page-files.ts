/**
 * The files of the page, read once from the folder beside this one.
 *
 * Runs in:   sink.
 */

import { readFileSync } from 'node:fs';

interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const files: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/message-pane.js': ['message-pane.js', 'text/javascript; charset=utf-8'],
  '/elements.js': ['elements.js', 'text/javascript; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

const kept = new Map<string, PageFile>();

export function pageFile(path: string): PageFile | undefined {
  const known = kept.get(path);
  if (known !== undefined || !Object.hasOwn(files, path)) return known;
  const [name, type] = files[path]!;
  const file = { type, bytes: readFileSync(new URL(`page/${name}`, import.meta.url)) };
  kept.set(path, file);
  return file;
}
