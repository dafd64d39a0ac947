/**
 * A string of a script: its characters, or a template where it names variables.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5229 §3 (references; what only looks like one stays as it is), §3.2 (match variables).
 */

export type TextPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly isGlobal: boolean }
  | { readonly kind: 'match'; readonly index: number };

/** A plain string where nothing is to be put in. */
export type Text = string | readonly TextPart[];

const reference = /\$\{(?:(\d{1,9})|((?:[a-z_]\w*\.)*)([a-z_]\w*))\}/gi;

/** Namespaces that are not known are told by `unknown`, and stay as they are. */
export function parseText(text: string, unknown?: (namespace: string) => void): Text {
  if (!text.includes('${')) return text;
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(reference)) {
    const [whole, digits, namespace, name] = match;
    if (namespace !== undefined && namespace !== '' && namespace.toLowerCase() !== 'global.') {
      unknown?.(namespace.slice(0, -1));
      continue;
    }
    if (match.index > end) parts.push({ kind: 'literal', text: text.slice(end, match.index) });
    end = match.index + whole.length;
    if (digits !== undefined) parts.push({ kind: 'match', index: Number(digits) });
    else {
      const isGlobal = namespace !== undefined && namespace !== '';
      parts.push({ kind: 'variable', name: name!.toLowerCase(), isGlobal });
    }
  }
  if (parts.length === 0) return text;
  if (end < text.length) parts.push({ kind: 'literal', text: text.slice(end) });
  return parts;
}

export function isConstant(text: Text): text is string {
  return typeof text === 'string';
}
