/** Aim: `queue explain` says in words what holds a message, until when, and what to look at. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlHandlers } from '../../../../src/actors/asks/control.ts';
import type {
  HoldReason,
  MessageReasons,
  SiteFacts,
} from '../../../../src/actors/asks/explain-asks.ts';
import { runCli } from '../run-cli.ts';

const untilMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const site: SiteFacts = {
  ...{ name: 'mx.example.net', source: 'default', waitingCount: 12, waitingMax: 2_000 },
  ...{ connectionCount: 3, idleCount: 1, openingCount: 2, connectionsMax: 20, serviceMs: 40 },
  ...{ downUntilMs: untilMs, downReply: '451 4.4.1 refused', noGrowthUntilMs: untilMs },
  shaping: {
    provider: 'google',
    limits: [{ limit: 'messageRate', value: '100/min', rule: 'own.toml:3' }],
    marks: [
      {
        ...{
          id: 'slow:mx.example.net',
          kind: 'slow',
          path: 'mx.example.net',
          match: {},
          tenant: -1,
        },
        ...{ connectionsMax: 2, messagesPerSecond: 0.5, by: 'google-unusual-rate' },
        ...{ why: '421 4.7.28 unusual rate', sinceMs: untilMs, untilMs },
      },
    ],
    stand: [4, untilMs, untilMs, '421 4.7.0 Try again later'],
  },
  targets: [{ host: 'mx1.example.net', address: '192.0.2.1', badUntilMs: untilMs }],
};

function messageOf(reason: HoldReason): MessageReasons {
  const recipient = { address: 'bob@example.net', reason, untilMs, attemptCount: 2, rule: 3 };
  return {
    ...{ id: '01JQ5Z8N3K7M0ABC', tenant: 0, priority: 3, campaign: '', expiresMs: untilMs },
    recipients: [
      {
        ...{ ...recipient, lastReply: '450 4.2.0 Greylisted', why: 'greylist' },
        ...{ setting: 'retry.greylistMsMin', site },
      },
    ],
  };
}

function explain(of: string, answer: unknown) {
  const handlers = { 'queue.explain': () => answer } as ControlHandlers;
  return runCli(['queue', 'explain', of], { handlers });
}

const words: Readonly<Record<HoldReason, RegExp>> = {
  held: /is held by an operator/,
  suspended: /is held back by rule 3 until 2026-01-02T03:04:05/,
  'future-release': /held back by its sender until 2026-01-02T03:04:05/,
  retry: /next attempt at 2026-01-02T03:04:05/,
  'warm-up': /next day of its sources’ warm-up, at 2026-01-02T03:04:05/,
  'path-suspended': /not sent before 2026-01-02T03:04:05.*its way is suspended/,
  'site-full': /waits for room before its site/,
  'site-queue': /before its site, or being sent/,
  due: /about to be tried/,
};

test('each reason has its words, with reply, setting and site', async () => {
  for (const reason of Object.keys(words) as HoldReason[]) {
    const { code, out } = await explain('01JQ5Z8N3K7M0ABC', {
      message: messageOf(reason),
      sites: [],
    });
    assert.equal(code, 0);
    assert.match(out, words[reason]);
    assert.match(out, /After 2 attempts \(greylist\): 450 4\.2\.0 Greylisted/);
    assert.match(out, /retry\.greylistMsMin/);
    assert.match(out, /12 of 2000 messages wait, 3 of 20 connections are open/);
    assert.match(out, /Its hosts are of google/);
    assert.match(out, /Limit messageRate 100\/min, by own\.toml:3/);
    assert.match(out, /It stands 4 of 20 connections since .*: 421 4\.7\.0 Try again later/);
    assert.match(
      out,
      /Slowed to 2 connections and 30 messages a minute until .* by rule google-unusual-rate/,
    );
    assert.match(out, /It is down, .*451 4\.4\.1 refused/);
    assert.match(out, /mx1\.example\.net \[192\.0\.2\.1\], failed/);
  }
});

test('a domain is answered by its site, and an unknown one by exit code 1', async () => {
  const known = await explain('example.net', { sites: [site] });
  assert.equal(known.code, 0);
  assert.match(known.out, /^Site mx\.example\.net:/);
  const unknown = await explain('example.net', { sites: [] });
  assert.equal(unknown.code, 1);
  assert.match(unknown.out, /Nothing is known/);
});
