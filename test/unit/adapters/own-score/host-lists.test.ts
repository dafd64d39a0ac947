/**
 * Aim: hosts that a list has count for the message that leads to them, once for each list; silence, failure and
 *      nonsense count nothing and hold mail no longer than they may.
 * Method: the scanner with a name server played by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DnsAnswer } from '../../../../src/ports/dns.ts';
import { loadOrThrow } from '../../../../src/settings/load.ts';
import { openScanner, plainMessage, subjectOf } from '../../../support/scanners.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const lists = {
  bad: { zone: 'uri.test', points: 3, answers: { '127.0.0.&2': 4, '127.0.0.9': 'reject' } },
  good: { zone: 'wl.test', points: -2 },
};
const settings = loadOrThrow({
  environment: {},
  assignments: [`spam.urlLists=${JSON.stringify(lists)}`],
});
const links = (...hosts: string[]) =>
  plainMessage(hosts.map((host) => `See https://www.${host}/offer\r\n`).join(''));

type Play = (name: string) => Promise<DnsAnswer<string>>;

const missing = { ok: false, reason: 'missing', detail: '' } as const;
const answer = (...records: string[]) =>
  ({ ok: true, records, ttlSeconds: 60, secure: false }) as const;

async function judged(text: string, play: Play, more = {}, listsAll = false) {
  const asked: string[] = [];
  const a: Play = async (name) => {
    if (name.startsWith('invalid.')) return listsAll ? await play(name) : missing;
    asked.push(name);
    return await play(name);
  };
  const address = { kind: 'own', address: 'rules' } as const;
  await using at = openScanner(address, undefined, settings, { a });
  await using bare = openScanner(address);
  const before = await bare.scanner.scan(subjectOf(text));
  const verdict = await at.scanner.scan(subjectOf(text, more));
  assert.ok(verdict.kind === 'scored' && before.kind === 'scored');
  const added = Math.round((verdict.score - before.score) * 100) / 100;
  const names = verdict.rules.slice(before.rules.length).map(({ name }) => name);
  return { added, names, asked, action: verdict.action };
}

test('RFC 5782 §2.5: a host is asked for by its registered name, once of each list', async () => {
  const text = links('evil.test', 'mail.evil.test', 'other.test');
  const found = await judged(text, async (name) =>
    name === 'evil.test.uri.test' ? answer('127.0.0.2') : missing,
  );
  assert.deepEqual(found.asked.sort(), [
    ...['evil.test.uri.test', 'evil.test.wl.test', 'other.test.uri.test', 'other.test.wl.test'],
  ]);
  assert.deepEqual([found.added, found.names], [4, ['URL_LISTED_bad']]);
});

test('the worst of the hosts counts, and lists speak for mail too', async () => {
  const found = await judged(links('one.test', 'two.test'), async (name) => {
    if (name === 'one.test.uri.test') return answer('127.0.0.1');
    if (name === 'two.test.uri.test') return answer('127.0.0.3');
    return name.endsWith('.wl.test') ? answer('127.0.0.5') : missing;
  });
  assert.deepEqual([found.added, found.names], [2, ['URL_LISTED_bad', 'URL_LISTED_good']]);
});

test('RFC 5782 §5: a list that knows every name counts nothing', async () => {
  const every: Play = async () => answer('127.0.0.9');
  const found = await judged(links('one.test'), every, {}, true);
  assert.deepEqual([found.added, found.names, found.action], [0, [], 'accept']);
});

test('a list speaks for no mail that leads elsewhere too', async () => {
  const found = await judged(links('known.test', 'evil.test'), async (name) =>
    name === 'known.test.wl.test' ? answer('127.0.0.5') : missing,
  );
  assert.deepEqual([found.added, found.names], [0, []]);
  const mixed = {
    known: { zone: 'mix.test', points: 0, answers: { '127.0.0.2': 3, '127.0.0.3': -9 } },
  };
  const assignments = [`spam.urlLists=${JSON.stringify(mixed)}`];
  const a: Play = async (name) => {
    if (name.startsWith('invalid.')) return missing;
    return answer(name.startsWith('evil') ? '127.0.0.2' : '127.0.0.3');
  };
  const own = { kind: 'own', address: 'rules' } as const;
  const settled = loadOrThrow({ environment: {}, assignments });
  await using at = openScanner(own, undefined, settled, { a });
  const verdict = await at.scanner.scan(subjectOf(links('known.test', 'evil.test')));
  assert.ok(verdict.kind === 'scored');
  assert.deepEqual(verdict.rules.at(-1), { name: 'URL_LISTED_known', score: 3 });
});

test('a list may have such mail refused', async () => {
  const found = await judged(links('evil.test'), async (name) =>
    name.endsWith('uri.test') ? answer('127.0.0.9') : missing,
  );
  assert.equal(found.action, 'reject');
});

test('failures, refusals of a list and answers that are none count nothing', async () => {
  for (const play of [
    async () => ({ ok: false, reason: 'failed', detail: '' }) as const,
    async () => answer('127.255.255.254'),
    async () => answer('192.0.2.1'),
    async () => {
      throw new Error('no socket');
    },
  ] satisfies Play[]) {
    assert.deepEqual((await judged(links('evil.test'), play)).names, []);
  }
});

test('a name server without an answer is waited for so long, and what is known counts', async () => {
  const clock = new SeededClock();
  const a: Play = async (name) => {
    if (name.startsWith('invalid.')) return missing;
    return name === 'evil.test.uri.test' ? answer('127.0.0.2') : await new Promise(() => {});
  };
  await using at = openScanner({ kind: 'own', address: 'rules' }, clock, settings, { a });
  const scan = at.scanner.scan(subjectOf(links('evil.test', 'slow.test')));
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(3_000);
  const verdict = await scan;
  assert.ok(verdict.kind === 'scored');
  assert.equal(verdict.rules.at(-1)!.name, 'URL_LISTED_bad');
});

test('points of filters count as a rule of their own', async () => {
  const found = await judged(plainMessage(), async () => missing, { filterPoints: 2.5 });
  assert.deepEqual([found.added, found.names, found.asked], [2.5, ['FILTERS'], []]);
});
