/**
 * Aim: benches measure what their scenario files say, whichever driver sends it.
 * Method: files read as the benches read them, and ones that a driver could not play.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Corpus, corpusSeed } from '../../../bench/imap/corpus.ts';
import { operations } from '../../../bench/imap/operations.ts';
import { readDelivery } from '../../../bench/lmtp/delivery.ts';
import { cells } from '../../../bench/relay/cells.ts';
import { loadOf, readLoad } from '../../../bench/relay/drivers.ts';
import { scenarioFile } from '../../../bench/scenario-file.ts';
import { loadScenario } from '../../../src/harness/scenario/read.ts';

const folder = mkdtempSync(join(tmpdir(), 'chaski-bench-scenario-'));
test.after(() => rmSync(folder, { recursive: true }));

test('each cell of the relay bench is what its name says', async () => {
  for (const { name, scenario } of cells) {
    const [size = '', sessions, one] = name.split('/');
    const load = await readLoad(scenario);
    assert.equal(load.messageBytes, Number.parseInt(size, 10) * 1_024, name);
    assert.equal(load.sessions, Number(sessions), name);
    assert.equal(load.perConnection, one ?? 'many', name);
  }
});

test('a scenario that smtp-source cannot play is refused, not played otherwise', async () => {
  const head = 'target: h:1\ngroups:\n  - ';
  for (const [group, words] of [
    ['{ protocol: smtp, sessions: 2, count: 5, pipeline: true }', /equal messages, unpipelined/],
    ['{ protocol: smtp, rate: 2, count: 5 }', /in a closed loop/],
    ['{ protocol: smtp, sessions: 2, count: 5, to: "u{1-3}@x" }', /equal messages/],
    ['{ protocol: smtp, sessions: 2 }', /has no count/],
    ['{ protocol: smtp, sessions: 2, count: 5, perConnection: 3 }', /one message on a connection/],
    ['{ protocol: lmtp, sessions: 2, count: 5 }', /no SMTP group/],
  ] as const) {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, head + group);
    const plan = await loadScenario(file);
    assert.throws(() => loadOf(plan, file), words, group);
  }
});

test('deliveries have an end, and only one of the two pipelines', async () => {
  for (const [name, pipeline] of [
    ['lmtp-3kB', false],
    ['lmtp-3kB-pipelined', true],
  ] as const) {
    const { file, messages } = await readDelivery(name);
    const [group] = (await loadScenario(file)).groups;
    assert.ok(group?.protocol === 'lmtp');
    assert.deepEqual([messages, group.options.pipeline], [8_000, pipeline]);
  }
  await assert.rejects(readDelivery('relay-1kB-20'), /not one LMTP group/);
});

test('the reads of a mailbox are those of the IMAP bench, under its names, each in a row', async () => {
  const [group] = (await loadScenario(scenarioFile('imap-reads.ts'))).groups;
  assert.ok(group?.protocol === 'imap');
  const [user] = group.options.users;
  const { terms } = new Corpus(corpusSeed);
  const commands = new Map(operations.map(({ name, step }) => [name, step?.(terms)]));
  assert.ok(user!.steps.length > 20);
  for (const { name, times, command } of user!.steps) {
    assert.equal(command, commands.get(name!));
    assert.equal(times, 3);
  }
  assert.equal(group.countMax, user!.steps.length * 3);
});
