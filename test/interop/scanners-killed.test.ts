/**
 * Aim: real scanners are killed, one after the other, while mail comes in. Mail flows by the policy of each: without
 *      spamd and rspamd it is taken, without clamd asked for later. No message that was taken is lost, none that clamd
 *      should have stopped gets through, and what comes back is asked again.
 * Method: Debian's programs, the real server, a next hop that keeps what it takes, senders that do not stop; skipped,
 *      and said, where one is not there.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type DebianScanner,
  eicar,
  needs,
  type RunningScanner,
  startDebianScanner,
} from '../support/debian-scanners.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const names: readonly DebianScanner[] = ['clamd', 'spamd', 'rspamd'];
const skip = names.map((name) => needs(name).skip).find((why) => why !== undefined);
const sendersCount = 6;

interface Sent {
  readonly id: string;
  readonly phase: string;
  readonly isInfected: boolean;
  readonly reply: string;
}

async function send(port: number, id: string, isInfected: boolean): Promise<string> {
  const client = await WireClient.connect(port);
  await client.line();
  const head = `From: ann@far.test\r\nSubject: ${id}\r\nMessage-ID: <${id}@far.test>\r\n`;
  const data = `${head}\r\n${isInfected ? eicar : 'Shall we meet?'}\r\n`;
  let reply = '';
  for (const line of [
    ...['HELO far.test', 'MAIL FROM:<ann@far.test>', 'RCPT TO:<bob@there.test>', 'DATA'],
    `${data}.`,
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line()) ?? '';
    if (!/^[23]/.test(reply)) break;
  }
  client.send(Buffer.from('QUIT\r\n'));
  await client.line();
  return reply;
}

/** Senders that go on through all phases, each message by its phase and reply. */
class Load {
  phase = 'all';
  readonly sent: Sent[] = [];
  #isOver = false;
  readonly #done: Promise<unknown>;

  constructor(port: number) {
    this.#done = Promise.all(Array.from({ length: sendersCount }, (_, at) => this.#run(port, at)));
  }

  of(phase: string, isInfected: boolean): readonly string[] {
    return this.sent
      .filter((one) => one.phase === phase && one.isInfected === isInfected)
      .map(({ reply }) => reply.slice(0, 3));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async #run(port: number, at: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const { phase } = this;
      const isInfected = n % 4 === 3;
      const id = `m${at}-${n}${isInfected ? '-bad' : ''}`;
      const reply = await send(port, id, isInfected);
      // What spans two phases says nothing of either; that it is not lost is checked all the same.
      this.sent.push({ id, isInfected, reply, phase: phase === this.phase ? phase : 'between' });
    }
  }
}

const settings = [
  { name: 'virus', kind: 'clamd', fail: 'closed', msMax: 4_000 },
  { name: 'assassin', kind: 'spamd', fail: 'open', msMax: 2_000 },
  { name: 'rspamd', kind: 'rspamd', fail: 'open', msMax: 2_000 },
];

function isSeenByAll({ content }: { readonly content: string }): boolean {
  return ['assassin', 'rspamd'].every((name) =>
    new RegExp(`^X-Spam-Status: No, score=\\S+ required=\\S+ scanner=${name}\r\n`, 'm').test(
      content,
    ),
  );
}

test('scanners killed under load', skip === undefined ? {} : { skip }, async () => {
  await using stack = new AsyncDisposableStack();
  const running: RunningScanner[] = [];
  for (const name of names) running.push(stack.use(await startDebianScanner(name)));
  const [clamd, spamd, rspamd] = running as [RunningScanner, RunningScanner, RunningScanner];
  const hop = stack.use(await new NextHop().start());
  const list = settings.map((one, at) => ({
    ...{ ...one, address: running[at]!.address, when: 'all', connectMsMax: 1_000 },
  }));
  const server = stack.use(
    await startTestServer({
      'relay.route': `smtp://127.0.0.1:${hop.port}`,
      'scanners.list': JSON.stringify(list),
    }),
  );
  const load = new Load(server.ports.smtp!);
  const inPhase = async (phase: string, isEnough: () => boolean) => {
    load.phase = phase;
    for (let left = 1_200; !isEnough(); left--) {
      assert.ok(left > 0, `${phase}: ${JSON.stringify(load.sent.slice(-5))}`);
      await delay(50);
    }
    load.phase = 'between';
  };
  const hasTaken = (phase: string, count: number) => () =>
    load.of(phase, false).filter((code) => code === '250').length >= count;
  await inPhase('all there', hasTaken('all there', 30));
  await spamd.kill();
  await inPhase('no spamd', hasTaken('no spamd', 30));
  await rspamd.kill();
  await inPhase('neither', hasTaken('neither', 30));
  await clamd.kill();
  await inPhase('none', () => load.of('none', false).length >= 60);
  for (const scanner of running) await scanner.start();
  await inPhase('coming back', hasTaken('coming back', 1));
  // Each is asked again, once its pause is over.
  const comeBackAt = hop.messages.length;
  await inPhase('back', () => hop.messages.slice(comeBackAt).some(isSeenByAll));
  await load.end();

  // By policy: each phase has one answer to good mail, and no other one to bad mail than "no" and "not now".
  for (const phase of ['all there', 'no spamd', 'neither'])
    assert.deepEqual([...new Set(load.of(phase, false))], ['250'], phase);
  assert.deepEqual([...new Set(load.of('none', false))], ['451']);
  for (const one of load.sent.filter(({ isInfected }) => isInfected))
    assert.match(one.reply, /^(554|451) /, JSON.stringify(one));

  // Nothing lost, nothing let through.
  const taken = load.sent.filter(({ reply }) => reply.startsWith('250')).map(({ id }) => id);
  const arrived = () =>
    new Set(hop.messages.map(({ content }) => /Subject: (\S+)/.exec(content)![1]));
  await eventually('all that was taken', () => {
    const there = arrived();
    return taken.every((id) => there.has(id)) ? true : undefined;
  });
  assert.equal([...arrived()].filter((id) => id!.endsWith('-bad')).length, 0);
  assert.equal(hop.messages.length, taken.length);
  console.log(`# ${load.sent.length} messages sent, ${taken.length} taken, all of them arrived`);
});
