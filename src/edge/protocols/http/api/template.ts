/**
 * Texts with `{{name}}` in them, filled in for each recipient of a batch.
 *
 * Runs in:   edge (main thread); pure.
 * Limits:    linear in what comes out, which `lengthMax` bounds; a value is never read for names again.
 * Invariant: nothing a value holds becomes markup: in HTML each is escaped. A name without a value is never left out
 *            in silence.
 */

/** Letters, digits and underscores, at most 64. */
const variable = /\{\{\s{0,8}([A-Za-z_][A-Za-z0-9_]{0,63})\s{0,8}\}\}/g;

export type Variables = Readonly<Record<string, string>>;

export class Template {
  /** Text and names by turns; text first and last. */
  readonly #pieces: readonly string[];
  readonly names: ReadonlySet<string>;

  constructor(text: string) {
    this.#pieces = text.split(variable);
    this.names = new Set(this.#pieces.filter((_, index) => index % 2 === 1));
  }

  /** The first name that has no value. */
  missing(values: Variables): string | undefined {
    for (const name of this.names) if (!Object.hasOwn(values, name)) return name;
    return undefined;
  }

  /** Undefined: it would be longer than `lengthMax`. Every name has a value. */
  fill(values: Variables, lengthMax: number, encode = asItIs): string | undefined {
    let text = '';
    for (const [index, piece] of this.#pieces.entries()) {
      text += index % 2 === 1 ? encode(values[piece]!) : piece;
      if (text.length > lengthMax) return undefined;
    }
    return text;
  }
}

function asItIs(value: string): string {
  return value;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => entities[character]!);
}
