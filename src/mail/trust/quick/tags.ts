/**
 * Tag lists of DKIM: signature fields, seals and key records.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 6376 §3.2.
 * Invariant: what is not plainly a tag list is `undefined` here, which is no verdict: whoever asked looks elsewhere.
 */

export type Tags = ReadonlyMap<string, string>;

const oddCharacter = /[^\t\r\n\x20-\x7e]/;
const tagName = /^[A-Za-z][A-Za-z0-9_]*$/;
const whiteSpace = /[ \t\r\n]+/g;

/** Names as written, in order; values with white space as single spaces. A name that comes twice makes the list odd. */
export function readTags(text: string): Tags | undefined {
  if (oddCharacter.test(text)) return undefined;
  const tags = new Map<string, string>();
  const specs = text.split(';');
  for (const [i, spec] of specs.entries()) {
    const equals = spec.indexOf('=');
    if (equals < 0) {
      // One semicolon may end the list.
      if (i === specs.length - 1 && i > 0 && spec.trim() === '') break;
      return undefined;
    }
    const name = spec.slice(0, equals).trim();
    if (!tagName.test(name) || tags.has(name)) return undefined;
    tags.set(
      name,
      spec
        .slice(equals + 1)
        .replace(whiteSpace, ' ')
        .trim(),
    );
  }
  return tags;
}

/** A value whose white space means nothing: base64, lists of names. */
export function withoutSpaces(value: string): string {
  return value.includes(' ') ? value.replaceAll(' ', '') : value;
}
