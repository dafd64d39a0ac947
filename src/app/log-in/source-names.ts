/**
 * Which addresses have their main password checked elsewhere, and where.
 *
 * Runs in:   main thread; pure.
 */

import { splitAddress } from '../../adapters/table/addresses.ts';
import { MailError } from '../../base/errors.ts';

/** The source's name; undefined: the password is kept here. Any spelling of an address will do. */
export type SourceNameOf = (address: string) => string | undefined;

export const noSources: SourceNameOf = () => undefined;

export function sourceNames(
  sources: readonly { readonly name: string; readonly domains: readonly string[] }[],
): SourceNameOf {
  if (sources.length === 0) return noSources;
  const byDomain = new Map(
    sources.flatMap(({ name, domains }) => domains.map((domain) => [domain, name])),
  );
  return (address) => byDomain.get(splitAddress(address)?.domain ?? '');
}

/** @throws MailError `argument-invalid` for one whose password is not kept here. */
export function refuseIfElsewhere(nameOf: SourceNameOf, address: string): void {
  const name = nameOf(address);
  if (name === undefined) return;
  throw new MailError(
    'argument-invalid',
    `the password of ${address} is checked by ${name} (ldap.sources): it is set there`,
  );
}
