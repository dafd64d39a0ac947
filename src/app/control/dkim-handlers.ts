/**
 * Signing keys of domains, as operators change them.
 *
 * Runs in:   main thread.
 * Invariant: no private key is in an answer.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { DkimKeyView } from '../../actors/asks/dkim-control.ts';
import { dkimRecordText } from '../../mail/trust/dkim/keys.ts';
import { isRemovable } from '../../mail/trust/dkim/rotation.ts';
import { dkimRecord } from '../../mail/trust/dns-records.ts';
import type { DkimKey } from '../../ports/account-directory.ts';
import { domainNamed } from './directory-handlers.ts';
import type { ControlParts } from './parts.ts';

export function dkimHandlers(parts: ControlParts): ControlHandlers {
  const { directory, dkimKeys, clock } = parts;
  const viewsOf = async (domain: string) => {
    const keys = await directory.dkimKeys(domain);
    return keys.map((key) => viewOf(domain, key, clock.nowMs()));
  };
  const named = async (domain: string) => (await domainNamed(parts, domain)).name;
  return {
    'dkim.list': async ({ domain }) => {
      const names =
        domain === undefined
          ? (await directory.domains()).map(({ name }) => name)
          : [await named(domain)];
      return { keys: (await Promise.all(names.map(viewsOf))).flat() };
    },
    'dkim.rotate': async ({ domain, signWith, force = false }) => {
      const name = await named(domain);
      await dkimKeys.rotate(name, signWith, force);
      return { keys: await viewsOf(name) };
    },
    'dkim.retire': async ({ domain, selector, force = false }) => {
      const name = await named(domain);
      await dkimKeys.retire(name, selector, force);
      return { keys: await viewsOf(name) };
    },
    'dkim.delete': async ({ domain, selector, force = false }) => {
      const name = await named(domain);
      await dkimKeys.delete(name, selector, force);
      return { keys: await viewsOf(name) };
    },
  };
}

function viewOf(domain: string, key: DkimKey, nowMs: number): DkimKeyView {
  const { selector, algorithm, state = 'signing', createdMs, publishUntilMs, privatePem } = key;
  return {
    ...{ domain, selector, algorithm, createdMs },
    state: isRemovable(key, nowMs) ? 'removable' : state,
    ...(publishUntilMs === undefined ? {} : { publishUntilMs }),
    record: dkimRecord(domain, { selector, recordText: dkimRecordText(privatePem) }),
  };
}
