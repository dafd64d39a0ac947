/**
 * Aim: what a reply says leads to what the rules want, seen by an operator and ended by him. Method: a server whose
 * next hop refuses by word, rules in a file of the test's own.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const rules = `
[[limits]]
site = "127.0.0.1"
connectionsMax = 3
[[limits]]
tenant = "shop"
messageRate = "600/min"
[[responses]]
name = "too-much"
codes = 421
phrases = "too much of you"
suspend = "1h"
class = "rate"
[[responses]]
name = "for-good"
codes = 450
phrases = "no such shop"
treat = "permanent"
class = "address"
`;

function rulesFile(content: string): { path: string; put(text: string): void } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-shaping-'));
  const path = join(folder, 'rules.toml');
  const put = (text: string) => writeFileSync(path, text);
  put(content);
  return { path, put, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

it('a reply suspends a path, the operator sees why, resumes it, and the mail goes', async () => {
  let isStrict = true;
  const reply = (command: string) =>
    isStrict && command.startsWith('MAIL') ? '421 4.7.0 That is too much of you' : undefined;
  await using hop = await new NextHop({ reply }).start();
  using file = rulesFile(rules);
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'shaping.file': file.path,
  });
  const id = await sendSmall(test, 'bob@far.test');
  const marks = await eventually('a suspension', async () => {
    const { marks: found } = await test.call('shaping.list', {});
    return found.length > 0 ? found : undefined;
  });
  assert.equal(marks.length, 1);
  assert.equal(marks[0]!.by, 'too-much');
  assert.match(marks[0]!.why, /too much of you/);
  const { message } = await eventually('held by the suspension', async () => {
    const answer = await test.call('queue.explain', { of: id });
    const isHeld = answer.message?.recipients[0]?.reason === 'path-suspended';
    return isHeld ? answer : undefined;
  });
  const [recipient] = message!.recipients;
  assert.equal(recipient!.setting, 'response rule too-much');
  assert.ok(recipient!.untilMs! >= marks[0]!.untilMs);
  assert.equal(recipient!.attemptCount, 0);
  assert.equal(recipient!.site!.connectionsMax, 3);

  isStrict = false;
  const { marks: ended } = await test.call('shaping.resume', { ids: [marks[0]!.id] });
  assert.equal(ended.length, 1);
  await eventually('the message arrives', async () => (hop.messages.length > 0 ? true : undefined));
});

it('an operator suspends a domain, and only its mail waits', async () => {
  await using hop = await new NextHop({}).start();
  await using test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${hop.port}` });
  const { mark } = await test.call('shaping.suspend', {
    ...{ domain: 'far.test', forMs: 3_600_000, why: 'asked to' },
  });
  // Threads hear of it within moments.
  await eventually('held back', async () => {
    const id = await sendSmall(test, 'bob@far.test');
    const { entry } = await test.call('queue.show', { id }).catch(() => ({ entry: undefined }));
    return entry?.recipients[0]?.lastReply.includes('Suspended until') ? entry : undefined;
  });
  await sendSmall(test, 'bob@other.test');
  await eventually('the other is sent', async () =>
    hop.messages.some(({ recipients }) => recipients.includes('bob@other.test')) ? true : undefined,
  );
  const { marks } = await test.call('shaping.resume', { ids: [mark.id] });
  assert.deepEqual(marks, [mark]);
  assert.deepEqual(await test.call('shaping.list', {}), { marks: [] });
});

it('a rule makes a refusal final, and its reason its own', async () => {
  const reply = (command: string) =>
    command.startsWith('RCPT') ? '450 4.2.0 There is no such shop' : undefined;
  await using hop = await new NextHop({ reply }).start();
  using file = rulesFile(rules);
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'shaping.file': file.path,
  });
  const id = await sendSmall(test, 'bob@far.test');
  await eventually('given up', async () => {
    const { events } = await test.call('trace', { of: id, limit: 100 });
    return events.some(({ kind }) => kind === 'failed' || kind === 'bounced') ? true : undefined;
  });
});

it('shaping show names each limit and its place, and a reload with a fault changes nothing', async () => {
  using file = rulesFile(rules);
  await using hop = await new NextHop({}).start();
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'shaping.file': file.path,
  });
  await test.call('tenant.create', { name: 'shop' });
  const question = { domain: 'far.test', tenant: 'shop' };
  const shown = await test.call('shaping.show', question);
  assert.equal(shown.path, `smtp://127.0.0.1:${hop.port}`);
  assert.deepEqual(shown.limits, [
    { limit: 'connectionsMax', value: '3', rule: `${file.path}:2` },
    { limit: 'messageRate of tenant shop', value: '600/min', rule: `${file.path}:5` },
  ]);
  assert.deepEqual(shown.responses.slice(0, 2), ['too-much', 'for-good']);

  file.put('[[limits]]\nsite = "127.0.0.1"\nconnectionsMax = "many"\n');
  await assert.rejects(test.server.reload(test.settings), /connectionsMax must be a whole number/);
  assert.deepEqual((await test.call('shaping.show', question)).limits, shown.limits);

  file.put('[[limits]]\nsite = "127.0.0.1"\nconnectionsMax = 7\n');
  await test.server.reload(test.settings);
  const { limits } = await test.call('shaping.show', question);
  assert.deepEqual(
    limits.map(({ value }) => value),
    ['7'],
  );
});

it('a reply that repeats the words of a rule out of an address suspends nothing', async () => {
  const reply = (command: string) => {
    const address = /^RCPT TO:<(.*)>/.exec(command)?.[1];
    return address === undefined ? undefined : `421 4.7.0 <${address}>: Come again`;
  };
  await using hop = await new NextHop({ reply }).start();
  using file = rulesFile(rules);
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'shaping.file': file.path,
  });
  const id = await sendSmall(test, '"too much of you"@far.test');
  await eventually('put off', async () => {
    const { entry } = await test.call('queue.show', { id });
    return entry.recipients[0]!.lastReply.includes('Come again') ? true : undefined;
  });
  assert.deepEqual(await test.call('shaping.list', {}), { marks: [] });
});
