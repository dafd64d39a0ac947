/**
 * A source: how mail leaves. The addresses it is sent from, the name it is sent under, the proxy it goes through.
 *
 * Runs in:   engine threads; plain data.
 * Invariant: one without addresses takes those the system chooses; one with some reaches their families only.
 */

import { isIPv6 } from 'node:net';
import { defaultSourceName } from '../../../base/path-names.ts';
import type { EgressProxy } from '../../../ports/dialer.ts';
import type { SourceSetting } from '../../../settings/egress.ts';

export interface Source {
  readonly name: string;
  /** The address it leaves from, of each family; absent: not of that family, both absent: as the system chooses. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** In EHLO; absent: the server's name. */
  readonly helloName?: string;
  readonly proxy?: EgressProxy;
  /** New: it sends by the plan. */
  readonly warmsUp?: boolean;
}

/** The only one where none is set: paths then are named as their sites. */
export const defaultSource: Source = { name: defaultSourceName };

/** `password`: of the proxy's user. */
export function sourceOf(setting: SourceSetting, password = ''): Source {
  const { name, ipv4, ipv6, helloName, proxy, warmup } = setting;
  return {
    ...{ name, warmsUp: warmup },
    ...(ipv4 === '' ? {} : { ipv4 }),
    ...(ipv6 === '' ? {} : { ipv6 }),
    ...(helloName === '' ? {} : { helloName }),
    ...(proxy === undefined ? {} : { proxy: proxyOf(proxy, password) }),
  };
}

function proxyOf(
  { kind, host, port, user }: NonNullable<SourceSetting['proxy']>,
  password: string,
): EgressProxy {
  const at = { kind, address: host, port };
  return user === '' ? at : { ...at, credentials: { user, password } };
}

/** Whether it can send to this address at all. */
export function reaches(source: Source, address: string): boolean {
  if (source.ipv4 === undefined && source.ipv6 === undefined) return true;
  return localAddressFor(source, address) !== undefined;
}

/** What it leaves from towards this address; undefined: the system's choice, or it does not reach it. */
export function localAddressFor(source: Source, address: string): string | undefined {
  return isIPv6(address) ? source.ipv6 : source.ipv4;
}
