/**
 * A message as a script sees it: worked out when first asked for, and with the edits made so far.
 *
 * Runs in:   engine threads and jobs; one per run.
 * Invariant: the bytes are only read; they must not change while the run goes on.
 */

import { HeaderScan } from '../../formats/headers/scan.ts';
import { type Part, type Structure, scanStructure } from '../../formats/mime/structure.ts';
import { runLimits } from '../limits.ts';
import { HeaderList } from './header-list.ts';

export class SieveMessage {
  readonly bytes: Uint8Array;
  #headers: HeaderList | undefined;
  #structure: Structure | undefined;
  #parts: readonly Part[] | undefined;
  readonly #partHeaders = new Map<Part, HeaderList>();
  readonly #texts = new Map<string, readonly string[]>();
  readonly #octets: number;

  /** `bytes` may be the beginning of a message of so many `octets`: what is behind it no test of its parts sees. */
  constructor(bytes: Uint8Array, octets = bytes.length) {
    this.bytes = bytes;
    this.#octets = octets;
  }

  /** In octets, edits counted in. */
  get size(): number {
    return this.#octets + (this.#headers?.growth ?? 0);
  }

  get headers(): HeaderList {
    if (this.#headers === undefined) {
      const scan = new HeaderScan();
      scan.scan(this.bytes);
      this.#headers = new HeaderList(scan);
    }
    return this.#headers;
  }

  get root(): Part {
    this.#structure ??= scanStructure(this.bytes);
    return this.#structure.root;
  }

  /** All parts in order, the whole message first, those of enclosed messages too; at most `partsMax`. */
  get parts(): readonly Part[] {
    this.#parts ??= partsBelow(this.root);
    return this.#parts;
  }

  /** Texts worked out once, under a name of what they are: a script may test them many times. */
  texts(what: string, make: () => readonly string[]): readonly string[] {
    const known = this.#texts.get(what);
    if (known !== undefined) return known;
    const made = make();
    this.#texts.set(what, made);
    return made;
  }

  /** The header of a part; of the whole message: with its edits. */
  headersOf(part: Part): HeaderList {
    if (part === this.root) return this.headers;
    const known = this.#partHeaders.get(part);
    if (known !== undefined) return known;
    const scan = new HeaderScan();
    scan.scan(this.bytes, undefined, part.headerStart, part.bodyEnd);
    const headers = new HeaderList(scan);
    this.#partHeaders.set(part, headers);
    return headers;
  }
}

/** The part itself first. */
export function partsBelow(root: Part): readonly Part[] {
  const parts: Part[] = [];
  const waiting: Part[] = [root];
  while (waiting.length > 0 && parts.length < runLimits.partsMax) {
    const part = waiting.pop()!;
    parts.push(part);
    const inner = part.message === undefined ? part.children : [part.message.root];
    for (let i = inner.length - 1; i >= 0; i--) waiting.push(inner[i]!);
  }
  return parts;
}
