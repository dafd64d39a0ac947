/**
 * Whom the generated messages go to: addresses, a template, or a list from a file; one list, or a weighted mix of them.
 *
 * Runs in:   load generator; pure.
 * Limits:    `recipientsCountMax` addresses.
 */

import { latin1 } from '../../base/bytes.ts';
import { mixTurn, type Weighted } from './mix.ts';

const recipientsCountMax = 1_000_000;

/** Expands `user{1-100}@example.com`; a text without braces is one address. */
export function expandTemplate(template: string): readonly string[] {
  const match = /^(.*)\{(\d+)-(\d+)\}(.*)$/.exec(template);
  if (match === null) return [template];
  const [, before, from, to, after] = match;
  const first = Number(from);
  const count = Number(to) - first + 1;
  if (count < 1 || count > recipientsCountMax)
    throw new Error(`range of "${template}" is not usable`);
  return Array.from({ length: count }, (_, i) => `${before}${first + i}${after}`);
}

/** One address a line; empty lines and lines that begin with # are passed over. */
export function parseRecipients(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => expandTemplate(line));
}

/** An address with the forms it leaves in, made once. */
export interface Recipient {
  readonly address: string;
  readonly command: string;
  readonly bytes: Uint8Array;
}

export interface Destination extends Weighted {
  readonly addresses: readonly string[];
}

/** Deals recipients out in turn, so that each address of a destination gets the same share. */
export class RecipientDealer {
  readonly #decks: readonly Deck[];
  readonly #turn: Uint32Array;
  readonly #perMessage: number;
  #at = 0;

  /** Threads begin at different addresses: `offset` is where. */
  constructor(destinations: readonly Destination[], perMessage: number, offset = 0) {
    for (const { addresses } of destinations) {
      if (addresses.length === 0) throw new Error('no recipients');
      if (perMessage > addresses.length) {
        const have = addresses.length;
        throw new Error(`${perMessage} recipients a message, but only ${have} addresses`);
      }
    }
    this.#decks = destinations.map(({ addresses }) => new Deck(addresses, offset));
    this.#turn = mixTurn(destinations);
    this.#perMessage = perMessage;
  }

  /** How long its addresses are: any of them may be a message's first. */
  get lengths(): ReadonlySet<number> {
    return new Set(this.#decks.flatMap((deck) => [...deck.lengths]));
  }

  /** Recipients of one message, all of one destination. */
  deal(into: Recipient[]): void {
    const deck = this.#decks[this.#turn[this.#at]!]!;
    this.#at = (this.#at + 1) % this.#turn.length;
    into.length = this.#perMessage;
    for (let i = 0; i < this.#perMessage; i++) into[i] = deck.next();
  }
}

class Deck {
  readonly #addresses: readonly string[];
  readonly #made: (Recipient | undefined)[];
  #next: number;

  constructor(addresses: readonly string[], offset: number) {
    this.#addresses = addresses;
    this.#made = new Array(addresses.length);
    this.#next = offset % addresses.length;
  }

  get lengths(): ReadonlySet<number> {
    const lengths = new Set<number>();
    for (const { length } of this.#addresses) lengths.add(length);
    return lengths;
  }

  next(): Recipient {
    const at = this.#next;
    this.#next = at + 1 === this.#addresses.length ? 0 : at + 1;
    const known = this.#made[at];
    if (known !== undefined) return known;
    const made = makeRecipient(this.#addresses[at]!);
    this.#made[at] = made;
    return made;
  }
}

function makeRecipient(address: string): Recipient {
  return { address, command: `RCPT TO:<${address}>\r\n`, bytes: latin1(address) };
}
