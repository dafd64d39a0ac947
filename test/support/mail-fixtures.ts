/**
 * The messages and vectors under `test/fixtures`, read for tests.
 *
 * Runs in: tests.
 */

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const root = new URL('../fixtures/', import.meta.url);

export interface FixtureMessage {
  readonly name: string;
  /** With CRLF line ends, as a session hands messages over. */
  readonly bytes: Buffer;
}

/** All messages of `fixtures/mime`. */
export function mimeMessages(): readonly FixtureMessage[] {
  const lines = readFileSync(new URL('mime/MANIFEST.tsv', root), 'utf8').trim().split('\n');
  return lines.slice(1).map((line) => {
    const name = line.split('\t')[0]!;
    return { name, bytes: canonical(readFileSync(new URL(`mime/${name}`, root))) };
  });
}

export function dkimMessages(): readonly FixtureMessage[] {
  const folder = new URL('dkim/corpus/', root).pathname;
  return globSync(`${folder}*.txt`)
    .sort()
    .map((path) => ({ name: basename(path, '.txt'), bytes: canonical(readFileSync(path)) }));
}

export function fixtureText(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

export function fixtureJson<T>(path: string): T {
  return JSON.parse(fixtureText(path)) as T;
}

/** Every line end as CRLF. */
export function canonical(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}
