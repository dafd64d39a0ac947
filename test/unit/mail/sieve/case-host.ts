/** The world of a Sieve case, from its `@` lines. */

import type { Include } from '../../../../src/mail/sieve/compile/program.ts';
import { parseZone } from '../../../../src/mail/sieve/message/dates.ts';
import { plainHost, type SieveHost } from '../../../../src/mail/sieve/run/host.ts';
import type { SieveCase } from './case-file.ts';

const noon = '2026-11-23T12:00:00Z';

export function caseHost({ world }: SieveCase): SieveHost {
  const text = (key: string) => world.get(key);
  const list = (key: string) =>
    (text(key) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  /** `a=b, c=d`. */
  const map = (key: string) =>
    new Map(list(key).map((item) => item.split('=') as unknown as [string, string]));
  const envelope = {
    from: text('from') ?? 'ann@example.org',
    to: text('to') ?? 'bob+work@example.com',
    ...(world.has('auth') ? { auth: text('auth')! } : {}),
  };
  const virus = text('virus');
  const spam = text('spam');
  return {
    ...plainHost(envelope, Date.parse(text('now') ?? noon)),
    ownAddresses: list('own'),
    zoneMinutes: parseZone(text('zone') ?? '+0000')!,
    detailSeparator: text('separator') ?? '+',
    environment: (item) => map('environment').get(item),
    mailboxes: {
      exists: (name) => list('mailboxes').includes(name),
      existsById: (id) => list('ids').includes(id),
      hasSpecialUse: (mailbox, use) =>
        mailbox === undefined
          ? [...map('uses').values()].includes(use)
          : map('uses').get(mailbox) === use,
      metadata: (mailbox, entry) => map('metadata').get(`${mailbox}:${entry}`),
      serverMetadata: (entry) => map('server').get(entry),
    },
    lists: {
      isKnown: (name) => map('lists').has(name),
      contains: (name, value) => map('lists').get(name)?.split('|').includes(value) ?? false,
      members: (name) => map('lists').get(name)?.split('|') ?? [],
    },
    verdict: {
      ...(spam === undefined ? {} : { spamPercent: Number(spam) }),
      ...(virus === undefined ? {} : { virus: Number(virus) as 1 }),
    },
    rememberedMs: (key) => {
      const age = [...map('remembered')].find(([id]) => key.includes(JSON.stringify(id)))?.[1];
      return age === undefined ? undefined : Number(age) * 1_000;
    },
  };
}

/** An included script: `@script NAME SOURCE` or `@global NAME SOURCE`. */
export function caseScript({ world }: SieveCase, { location, name }: Include): string | undefined {
  return world.get(`${location === 'global' ? 'global' : 'script'}:${name}`);
}
