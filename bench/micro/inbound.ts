/**
 * What all built-in checks of a stranger's message cost: who vouches for it, its spam score, the header made ready, an
 * account's Sieve script.
 *
 * Method: messages of 5 kB as bench/authenticate has them, the DNS at hand, a taught model, a script of ten rules; CPU
 *         of this process per message, each step by itself and all together, medians of rounds that alternate.
 *         `node bench/micro/inbound.ts [seconds]`
 * Budget: 1.5 ms of the engine thread per message.
 */

import { defaultPolicy } from '../../src/actors/asks/policy-snapshot.ts';
import type { Arrival } from '../../src/actors/asks/reception.ts';
import { defaultTenant, type MessageId } from '../../src/base/ids.ts';
import { compilePolicy } from '../../src/engine/pipeline/policy.ts';
import { prepare } from '../../src/engine/pipeline/prepare.ts';
import { compileScript } from '../../src/mail/sieve/compile/compile.ts';
import { plainHost } from '../../src/mail/sieve/run/host.ts';
import { runScript } from '../../src/mail/sieve/run/run.ts';
import { judge, spamPoints } from '../../src/mail/trust/spam/judge.ts';
import { SpamModel, train } from '../../src/mail/trust/spam/model.ts';
import { readForSpam } from '../../src/mail/trust/spam/reading.ts';
import { verifyMessage } from '../../src/mail/trust/verify.ts';
import { AnswersAtHand } from '../authenticate/answers.ts';
import { authenticateCases } from '../authenticate/cases.ts';

const milliseconds = Number(process.argv[2] ?? 1) * 1_000;
const rounds = 7;
const budgetMs = 1.5;

const rules = Array.from(
  { length: 10 },
  (_, i) => `if header :contains ["to", "cc"] "list-${i}@" { fileinto "Lists/${i}"; }`,
);
const script = compileScript(`require "fileinto"; ${rules.join('\n')} keep;`);
const policy = compilePolicy(defaultPolicy);
const peer = { sender: 'ann@news.example.org', peerAddress: '192.0.2.25', helo: 'mx.example.org' };
const arrival: Arrival = {
  id: '01' as MessageId,
  receivedMs: 0,
  listener: 'smtp',
  protocol: 'ESMTPS',
  peerAddress: peer.peerAddress,
  peerPort: 1,
  helo: peer.helo,
  trusted: false,
  tenant: defaultTenant,
};
const envelope = {
  sender: peer.sender,
  recipients: [],
  body: '8bitmime',
  smtputf8: false,
} as const;

for (const { name, message, zone } of await authenticateCases()) {
  const model = new SpamModel();
  for (let i = 0; i < 200; i++) {
    train(
      model,
      readForSpam(Buffer.concat([message, Buffer.from(`word${i} other${i}`)])),
      i % 2 === 0,
    );
  }
  const dns = new AnswersAtHand(zone);
  const request = { ...peer, message, authservId: 'mx.example.net', nowMs: Date.now() };
  const host = plainHost({ from: peer.sender, to: 'bob@here.example' }, 0);
  const steps: Record<string, () => unknown> = {
    'who vouches for it': () => verifyMessage(request, dns),
    'spam score': () => judge(message, { global: model }, {}, spamPoints, false),
    'made ready': () => prepare({ body: message, envelope, arrival }, policy, 0),
    'Sieve script': () => runScript(script, message, host),
  };
  const all = async () => {
    for (const step of Object.values(steps)) await step();
  };
  const kinds = { ...steps, 'all together': all };
  const found = new Map(Object.keys(kinds).map((kind) => [kind, [] as number[]]));
  for (let round = -1; round < rounds; round++) {
    for (const [kind, run] of Object.entries(kinds)) {
      const cost = await msEach(run);
      if (round >= 0) found.get(kind)!.push(cost);
    }
  }
  console.log(`${name} (${message.length} bytes)`);
  for (const [kind, costs] of found) {
    const median = costs.sort((a, b) => a - b)[rounds >> 1]!;
    const verdict =
      kind === 'all together' ? (median <= budgetMs ? '  within 1.5 ms' : '  OVER 1.5 ms') : '';
    console.log(`  ${kind.padEnd(20)} ${median.toFixed(3)} ms${verdict}`);
  }
}

async function msEach(run: () => unknown): Promise<number> {
  const started = process.cpuUsage();
  const endMs = performance.now() + milliseconds / 5;
  let count = 0;
  while (performance.now() < endMs) {
    for (let i = 0; i < 10; i++) await run();
    count += 10;
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000 / count;
}
