/**
 * How an address becomes a search, and an entry a person.
 *
 * Runs in:   the main thread; pure.
 * Specs:     RFC 4515 §3 (filters, and what is escaped in them).
 * Invariant: nothing in an address ends an assertion or begins another one.
 */

import { type Entry, Filter } from 'ldapts';
import type { Person } from '../../ports/log-in-source.ts';
import { parseBytes } from '../../settings/fields.ts';
import type { LdapAttributes, LdapSetting } from '../../settings/ldap.ts';
import { joined, splitAddress } from '../table/addresses.ts';

/** `userAccountControl` (MS-ADTS §2.2.16). */
const accountDisabledBit = 0x2;
const closedWords: ReadonlySet<string> = new Set(['0', 'false', 'no', 'inactive', 'disabled']);

export function filterFor(template: string, address: string): string {
  const at = address.lastIndexOf('@');
  const parts: Readonly<Record<string, string>> = {
    address,
    local: address.slice(0, at),
    domain: address.slice(at + 1),
  };
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => Filter.escape(parts[name] ?? ''));
}

/** Whoever the filter would find by some address. */
export function filterForAll(template: string): string {
  return template.replaceAll(/\{\w+\}/g, '*');
}

export function attributesAsked(setting: LdapAttributes): readonly string[] {
  const { address, displayName, aliases, groups, quota, enabled } = setting;
  const named = [address, displayName, aliases, groups, quota, enabled].filter((one) => one !== '');
  // RFC 4511 §4.5.1.8: "1.1" is none; an empty list would be all.
  return named.length === 0 ? ['1.1'] : [...new Set(named)];
}

/** `asked`: the address that was looked for. Undefined: the entry has another one. */
export function personOf(
  entry: Entry,
  setting: LdapSetting,
  asked: string | undefined,
): Person | undefined {
  const values = (name: string) => valuesOf(entry, name);
  const own = values(setting.address).flatMap(addressIn);
  const isOurs = (address: string) =>
    setting.domains.includes(address.slice(address.lastIndexOf('@') + 1));
  const address = asked ?? own.find(isOurs);
  if (address === undefined || (setting.address !== '' && !own.includes(address))) return undefined;
  const others = [...own, ...values(setting.aliases).flatMap(addressIn)];
  const quotaBytes = parseBytes(values(setting.quota)[0] ?? '');
  return {
    ...{ id: entry.dn, address, displayName: values(setting.displayName)[0] ?? '' },
    aliases: [...new Set(others)].filter((other) => other !== address && isOurs(other)),
    groups: values(setting.groups),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    isEnabled: isEnabled(setting.enabled, values(setting.enabled)),
  };
}

/** Servers may spell names otherwise than they were asked (RFC 4512 §2.5). */
function valuesOf(entry: Entry, name: string): readonly string[] {
  if (name === '') return [];
  const wanted = name.toLowerCase();
  const key = Object.keys(entry).find((one) => one !== 'dn' && one.toLowerCase() === wanted);
  const value = key === undefined ? [] : entry[key]!;
  return (Array.isArray(value) ? value : [value]).map(String);
}

/** `proxyAddresses` of Active Directory says `SMTP:` before addresses, and others before what is none. */
function addressIn(value: string): readonly string[] {
  const split = splitAddress(value.replace(/^smtp:/i, ''));
  return split === undefined || /^\w+:/.test(split.localPart) ? [] : [joined(split)];
}

/** Of several values, one that closes is enough. */
function isEnabled(attribute: string, values: readonly string[]): boolean {
  const name = attribute.toLowerCase();
  // Each account of Active Directory has one: an entry without it is none, or whoever searches may not read it.
  if (name === 'useraccountcontrol') return values.length > 0 && values.every(isOpenByControl);
  // Others are usually written to close only: 389 DS sets `nsAccountLock` on accounts that it locks.
  return values.every((value) => {
    const saysNo = closedWords.has(value.toLowerCase());
    return name === 'nsaccountlock' ? saysNo : !saysNo;
  });
}

/** What cannot be read lets nobody in. */
function isOpenByControl(value: string): boolean {
  return /^-?\d+$/.test(value) && (Number(value) & accountDisabledBit) === 0;
}
