/** A message from a file, with the line ends it would have on the wire. */

import type { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { withCrlf } from '../mail/formats/line-ends.ts';

export async function readMessage(file: string): Promise<Buffer> {
  return withCrlf(await readFile(file));
}
