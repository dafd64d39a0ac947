/**
 * The shapes of names and addresses that are judged here; all others are left to the reference.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §2.3.5 and RFC 1035 §2.3.4 (domains), RFC 5322 §3.2.3 (dot-atom), RFC 2045 §5.1 (token).
 * Invariant: each shape is narrower than its grammar: what has it is valid everywhere and needs no quotes in comments.
 */

const domainCharsMax = 240;
const localPartCharsMax = 128;
const domain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const selector =
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const dotAtom = /^[\w!#$%&'*+\-/=?^`{|}~]+(?:\.[\w!#$%&'*+\-/=?^`{|}~]+)*$/;
const token = /^[\w!#$%&'*+\-.^`{|}~]+$/;

/** Two labels or more, the last one starting with a letter. */
export function isPlainDomain(text: string): boolean {
  return text.length <= domainCharsMax && domain.test(text);
}

export function isPlainSelector(text: string): boolean {
  return text.length <= domainCharsMax && selector.test(text);
}

export function isDotAtom(text: string): boolean {
  return text.length <= localPartCharsMax && dotAtom.test(text);
}

export function isToken(text: string): boolean {
  return token.test(text);
}

export interface PlainAddress {
  readonly local: string;
  readonly domain: string;
}

export function plainAddressOf(text: string): PlainAddress | undefined {
  const at = text.lastIndexOf('@');
  if (at <= 0) return undefined;
  const address = { local: text.slice(0, at), domain: text.slice(at + 1) };
  return isDotAtom(address.local) && isPlainDomain(address.domain) ? address : undefined;
}
