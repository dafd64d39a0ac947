/**
 * Names in SPF records, with what stands for something else in them.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 7208 §7 (macros) and §4.3 (names that cannot be asked for).
 * Invariant: `readName` takes valid names only, and none whose value needs a look-up (`p`) or is of explanations
 *            (`c`, `r`, `t`).
 */

import { Buffer } from 'node:buffer';

export interface SpfName {
  readonly text: string;
  readonly hasMacros: boolean;
  /** RFC 8601 §2.7.2: whether the local-part decides. */
  readonly usesLocalPart: boolean;
  readonly usesHelo: boolean;
}

export interface MacroValues {
  readonly sender: string;
  readonly helo: string | undefined;
  /** As `i` is written. */
  readonly dottedAddress: string;
  readonly isV6: boolean;
}

const nameCharsMax = 253;
const labelCharsMax = 63;
const macros = /%%|%_|%-|%\{([slodivh])([0-9]*)(r?)([.\-+,/_=]*)\}/gi;
const zeroParts = /%\{[a-z]0+[^0-9]/i;
const literal = /^[\x21-\x24\x26-\x7e]*$/;
const topLabel = /^(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])$/i;
const label = /^[\x20-\x2d\x2f-\x7e]+$/;

/** Undefined: not valid, or not judged here. */
export function readName(text: string): SpfName | undefined {
  const hasMacros = text.includes('%');
  let last = 0;
  let usesLocalPart = false;
  let usesHelo = false;
  if (hasMacros) {
    if (zeroParts.test(text)) return undefined;
    for (const match of text.matchAll(macros)) {
      if (!literal.test(text.slice(last, match.index))) return undefined;
      last = match.index + match[0].length;
      const letter = match[1]?.toLowerCase();
      usesLocalPart ||= letter === 's' || letter === 'l';
      usesHelo ||= letter === 'h';
    }
  }
  const end = text.slice(last);
  if (!literal.test(end)) return undefined;
  // What ends in letters ends in a dot and the top label.
  if (end !== '' || last === 0) {
    const name = end.endsWith('.') ? end.slice(0, -1) : end;
    const dot = name.lastIndexOf('.');
    if (dot < 0 || !isTopLabel(name.slice(dot + 1))) return undefined;
  }
  return { text, hasMacros, usesLocalPart, usesHelo };
}

/** RFC 7208 §7.1: letters of macros keep their case, for it means something. */
export function inLowerCase(name: SpfName): SpfName {
  if (!name.hasMacros) return { ...name, text: name.text.toLowerCase() };
  let text = '';
  let last = 0;
  for (const match of name.text.matchAll(macros)) {
    text += name.text.slice(last, match.index).toLowerCase() + match[0];
    last = match.index + match[0].length;
  }
  return { ...name, text: text + name.text.slice(last).toLowerCase() };
}

/** What to ask for; undefined where it is no name: such a term does not match. */
export function expandName(
  { text, hasMacros }: SpfName,
  values: MacroValues,
  domain: string,
): string | undefined {
  let name = hasMacros
    ? text.replace(macros, (whole: string, letter, digits, reversed, delimiters) =>
        letter === undefined
          ? escapes[whole]!
          : transformed(
              macroValue(letter, values, domain),
              Number(digits),
              reversed !== '',
              delimiters,
              letter,
            ),
      )
    : text;
  if (name.endsWith('.')) name = name.slice(0, -1);
  if (name.endsWith('.')) name = name.slice(0, -1);
  // RFC 7208 §7.3: labels are taken from the left until it fits.
  while (name.length > nameCharsMax && name.includes('.')) name = name.slice(name.indexOf('.') + 1);
  return isAskable(name) ? name : undefined;
}

export function isAskable(name: string): boolean {
  if (name === '' || name.length > nameCharsMax) return false;
  const labels = name.split('.');
  if (labels.length < 2 || !isTopLabel(labels.at(-1)!)) return false;
  return labels.every((part) => part.length <= labelCharsMax && label.test(part));
}

/** The expression takes the square of a label's length. */
function isTopLabel(text: string): boolean {
  return text.length <= labelCharsMax && topLabel.test(text);
}

const escapes: Readonly<Record<string, string>> = { '%%': '%', '%_': ' ', '%-': '%20' };

function macroValue(letter: string, values: MacroValues, domain: string): string {
  const { sender, helo, dottedAddress, isV6 } = values;
  const at = sender.lastIndexOf('@');
  switch (letter.toLowerCase()) {
    case 's':
      return sender;
    case 'l':
      return sender.slice(0, at);
    case 'o':
      return sender.slice(at + 1);
    case 'd':
      return domain;
    case 'i':
      return dottedAddress;
    case 'v':
      return isV6 ? 'ip6' : 'in-addr';
    default:
      return helo ?? '';
  }
}

function transformed(
  value: string,
  count: number,
  isReversed: boolean,
  delimiters: string,
  letter: string,
): string {
  let text = value;
  if (isReversed || count > 0 || delimiters !== '') {
    let parts = [''];
    const ends = delimiters === '' ? '.' : delimiters;
    for (const char of value) {
      if (ends.includes(char)) parts.push('');
      else parts[parts.length - 1] += char;
    }
    if (isReversed) parts = parts.reverse();
    if (count > 0) parts = parts.slice(-count);
    text = parts.join('.');
  }
  return letter === letter.toLowerCase() ? text : urlEscaped(text);
}

function urlEscaped(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~]/g, (char) =>
    [...Buffer.from(char, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
