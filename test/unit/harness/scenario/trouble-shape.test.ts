/**
 * Aim: steps of trouble ask for what they say; a step that does nothing, or two things, is told.
 * Method: scenarios written out.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadScenario } from '../../../../src/harness/scenario/read.ts';

const folder = mkdtempSync(join(tmpdir(), 'chaski-trouble-'));
test.after(() => rmSync(folder, { recursive: true }));

const head = 'target: 127.0.0.1:25\ngroups: [{ protocol: smtp, sessions: 3 }]\n';
const between = `proxies: [{ name: hop, listen: 127.0.0.1:0, to: "a.test:25" }]
resolvers: [{ name: names, listen: "127.0.0.1:0", to: "[::1]:53" }]
`;

function load(text: string) {
  const path = join(folder, 'a.yaml');
  writeFileSync(path, head + text);
  return loadScenario(path);
}

test('each step is one thing, at its time and for its time', async () => {
  const steps = [
    'at: 1s, kill: 77',
    'at: 2, signal: SIGHUP, to: mail',
    'at: 3s, stop: mail, for: 500ms',
    'at: 3s, continue: mail',
    'at: 4s, fill: data, leave: 1MiB, size: 10MB, for: 5s',
    'at: 5s, cut: target',
    'at: 5s, stall: hop, for: 1s',
    'at: 6s, slow: target, rate: 10kB',
    'at: 7s, refuse: hop',
    'at: 8s, delay: names, by: 2s, for: 1s',
    'at: 9s, drop: names',
    'at: 9s, servfail: names',
  ];
  const { trouble } = await load(
    `${between}trouble:\n${steps.map((each) => `  - { ${each} }\n`).join('')}`,
  );
  const mail = { kind: 'signal', processes: 'mail' } as const;
  assert.deepEqual(trouble!.steps, [
    { atMs: 1_000, what: { kind: 'signal', signal: 'SIGKILL', processes: '77' } },
    { atMs: 2_000, what: { ...mail, signal: 'SIGHUP' } },
    { atMs: 3_000, forMs: 500, what: { ...mail, signal: 'SIGSTOP' } },
    { atMs: 3_000, what: { ...mail, signal: 'SIGCONT' } },
    {
      ...{ atMs: 4_000, forMs: 5_000 },
      what: {
        ...{ kind: 'fill', folder: join(folder, 'data') },
        ...{ leaveBytes: 1_048_576, sizeBytesMax: 10_000_000 },
      },
    },
    { atMs: 5_000, what: { kind: 'link', name: 'target', fault: { kind: 'cut' } } },
    { atMs: 5_000, forMs: 1_000, what: { kind: 'link', name: 'hop', fault: { kind: 'stall' } } },
    {
      atMs: 6_000,
      what: { kind: 'link', name: 'target', fault: { kind: 'slow', bytesPerSecond: 10_000 } },
    },
    { atMs: 7_000, what: { kind: 'link', name: 'hop', fault: { kind: 'refuse' } } },
    {
      ...{ atMs: 8_000, forMs: 1_000 },
      what: { kind: 'dns', name: 'names', fault: { kind: 'delay', delayMs: 2_000 } },
    },
    { atMs: 9_000, what: { kind: 'dns', name: 'names', fault: { kind: 'drop' } } },
    { atMs: 9_000, what: { kind: 'dns', name: 'names', fault: { kind: 'servfail' } } },
  ]);
  assert.deepEqual(trouble!.proxies[0]!.to, { host: 'a.test', port: 25 });
  assert.deepEqual(trouble!.resolvers[0]!.to, { host: '::1', port: 53 });
});

test('a step that cannot be meant is told, with what to write', async () => {
  for (const [step, words] of [
    ['at: 1s', /trouble\[0\] does not do one thing: write one of kill, stop/],
    ['at: 1s, kill: 7, stop: 7', /does not do one thing/],
    ['at: 1s, signal: SIGHUP', /trouble\[0\] lacks "to" for "signal"/],
    ['at: 1s, fill: /tmp', /lacks "leave" for "fill"/],
    ['at: 1s, slow: hop', /lacks "rate" for "slow"/],
    ['at: 1s, delay: names', /lacks "by" for "delay"/],
    ['at: 1s, kill: 7, for: 1s', /trouble\[0\]\.for does nothing for "kill": take it out/],
    ['at: 1s, stall: hop, leave: 1kB', /trouble\[0\]\.leave does nothing for "stall"/],
    ['at: 1s, stall: names', /trouble\[0\] is of "names": .* there is target, hop/],
    ['at: 1s, drop: target', /is of "target": give it under "resolvers"; there is names/],
    ['kill: 7', /trouble\[0\] lacks "at"/],
  ] as const) {
    await assert.rejects(load(`${between}trouble: [{ ${step} }]\n`), words);
  }
});

test('what stands between has a name of its own and an address', async () => {
  for (const [text, words] of [
    ['proxies: [{ name: target, listen: "127.0.0.1:1", to: "a:25" }]', /name is taken: "target"/],
    [
      'proxies: [{ name: a, listen: "127.0.0.1:1", to: "a:25" }]\nresolvers: [{ name: a, listen: "127.0.0.1:1", to: "127.0.0.1:53" }]',
      /resolvers\[0\]\.name is taken: "a"/,
    ],
    [
      'resolvers: [{ name: a, listen: "127.0.0.1:1", to: "dns.test:53" }]',
      /to is a name: write an address, as 127\.0\.0\.1:53/,
    ],
    ['proxies: [{ name: a, listen: nowhere, to: "a:25" }]', /listen .*is not HOST:PORT/],
  ] as const) {
    await assert.rejects(load(text), words);
  }
});

test('a recount waits for a while', async () => {
  await assert.rejects(load('recount: true\n'), /line 3: recount is true; write a time as 30s/);
  assert.equal((await load('ledger: there\nrecount: 5s\n')).recountMsMax, 5_000);
});
