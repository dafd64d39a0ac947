/**
 * Whom the generated messages go to: addresses, a template, or a list from a file.
 *
 * Runs in:   load generator; pure.
 * Limits:    `recipientsCountMax` addresses.
 */

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

/** Deals recipients out in turn, so that each gets the same share. */
export class RecipientDealer {
  readonly #all: readonly string[];
  readonly #perMessage: number;
  #next = 0;

  constructor(all: readonly string[], perMessage: number) {
    if (all.length === 0) throw new Error('no recipients');
    if (perMessage > all.length) {
      throw new Error(`${perMessage} recipients a message, but only ${all.length} addresses`);
    }
    this.#all = all;
    this.#perMessage = perMessage;
  }

  deal(): readonly string[] {
    const dealt: string[] = [];
    for (let i = 0; i < this.#perMessage; i++) {
      dealt.push(this.#all[this.#next]!);
      this.#next = (this.#next + 1) % this.#all.length;
    }
    return dealt;
  }
}
