/**
 * Text within XML.
 *
 * Runs in:   anywhere; pure.
 * Specs:     XML 1.0 §2.2 (characters), §2.4 (what is escaped).
 * Invariant: whatever the text is, what comes out is character data and nothing else.
 */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters XML has not are replaced. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (char) => entities[char]!);
}

/** Elements of text, one a line: their names must be good already. */
export function elements(indent: string, of: readonly (readonly [string, string])[]): string {
  return of.map(([name, text]) => `${indent}<${name}>${escapeXml(text)}</${name}>\n`).join('');
}
