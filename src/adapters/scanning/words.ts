/**
 * What scanners say, made harmless: it ends up in logs, header fields and SMTP replies.
 *
 * Runs in: engine threads; pure.
 */

import { type FiredRule, findingCharsMax, findingsMax } from '../../ports/content-scanner.ts';
import { ScanError } from './scan-error.ts';

/** One line of printable ASCII, cut. */
export function plainText(text: string, charsMax = findingCharsMax): string {
  return text
    .slice(0, 4 * charsMax)
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, charsMax);
}

/** Those that say anything, in their order. */
export function plainNames(names: readonly string[]): readonly string[] {
  return names
    .slice(0, findingsMax)
    .map((name) => plainText(name))
    .filter((name) => name !== '');
}

export function plainRules(rules: readonly FiredRule[]): readonly FiredRule[] {
  return rules
    .slice(0, findingsMax)
    .map((rule) => ({ ...rule, name: plainText(rule.name) }))
    .filter(({ name }) => name !== '');
}

/** Field names are RFC 5322 `ftext`. @throws ScanError */
export function fieldNameOf(name: string): string {
  if (!/^[!-9;-~]{1,76}$/.test(name)) throw new ScanError('broken', 'a field name that is none');
  return name;
}

const valueCharsMax = 8_192;

/**
 * A value may be folded: each line break is followed by a blank in what is given back, so that no value can end its
 * field or the header. @throws ScanError
 */
export function fieldValueOf(value: string): string {
  if (value.length > valueCharsMax) throw new ScanError('broken', 'a field value without end');
  return value
    .replace(/\0/g, '')
    .split(/\r\n|\r|\n/)
    .filter((line, at) => at === 0 || line.trim() !== '')
    .map((line, at) => (at === 0 || /^[ \t]/.test(line) ? line : `\t${line}`))
    .join('\r\n')
    .trim();
}

/** An address without its brackets. @throws ScanError */
export function addressOf(path: string): string {
  const address = path.trim().replace(/^<|>$/g, '');
  if (address.length > 320 || /[\0-\x20<>\x7f]/.test(address))
    throw new ScanError('broken', 'an address that is none');
  return address;
}

/** What goes out in a line of ours: nothing of it can end that line. */
export function oneLine(text: string): string {
  return text.replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, 1_000);
}
