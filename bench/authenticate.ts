/**
 * `node bench/authenticate.ts`: what finding out who vouches for a message costs, ours beside mailauth's.
 *
 * Messages of 5 kB, every answer of the DNS at hand: checks per second of this process's CPU time by `verifyMessage`,
 * and by mailauth's `authenticate()` alone with the same answers. Before anything is timed, both must say the same.
 *
 * Runs in:   bench, one process and one thread.
 * Invariant: both sides take turns within a round, in an order that turns too, and ratios are taken round by round, so
 *            that a busy machine troubles both alike.
 */

import { parseArgs } from 'node:util';
import { authenticate } from 'mailauth';
import { ratios, spread } from '../src/harness/measure/spread.ts';
import { verifyQuickly } from '../src/mail/trust/quick/quick.ts';
import { mailauthResolver } from '../src/mail/trust/resolver.ts';
import { signaturesMax, type VerifyRequest, verifyMessage } from '../src/mail/trust/verify.ts';
import { AnswersAtHand } from './authenticate/answers.ts';
import { authenticateCases } from './authenticate/cases.ts';
import { describeMachine, firstLine, machineLine } from './machine.ts';
import { keepResult } from './result.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});

/** Of mailauth's checks per CPU second, at least so many times. */
const timesRequired = 3;
const warmUpMs = 1_500;

const roundCount = values.quick ? 2 : Number(values.rounds);
const milliseconds = (values.quick ? 0.5 : Number(values.seconds)) * 1_000;
const machine = describeMachine(firstLine('openssl', ['version']));

const cases = await Promise.all(
  (await authenticateCases()).map(async ({ name, message, zone, isUsual, passes }) => {
    const dns = new AnswersAtHand(zone);
    const resolver = mailauthResolver(dns);
    const request: VerifyRequest = {
      ...{ message, sender: 'ann@news.example.org', peerAddress: '192.0.2.25', nowMs: Date.now() },
      ...{ helo: 'mx.example.org', authservId: 'mx.example.net' },
    };
    const options = {
      ...{ sender: request.sender, ip: request.peerAddress, helo: request.helo },
      ...{ mta: request.authservId, resolver, disableBimi: true, strict: true },
    };
    const ours = () => verifyMessage(request, dns);
    const theirs = () => authenticate(Buffer.from(message), options);
    const { field, verdicts } = await ours();
    const found = Buffer.from(field).toString('latin1');
    if (!(await theirs()).headers.startsWith(found)) throw new Error(`${name}: they differ`);
    for (const method of passes) {
      if (verdicts[method] !== 'pass') throw new Error(`${name}: ${method} must pass`);
    }
    const quick = await verifyQuickly(request, request.peerAddress, signaturesMax, dns);
    if ((quick !== undefined) !== isUsual) throw new Error(`${name}: judged on the other path`);
    return { name, isUsual, ours, theirs, our: [] as number[], their: [] as number[] };
  }),
);

for (const { ours, theirs } of cases) {
  await rate(ours, warmUpMs);
  await rate(theirs, warmUpMs);
}
for (let round = 0; round < roundCount; round++) {
  for (const { ours, theirs, our, their } of cases) {
    if (round % 2 === 0) our.push(await rate(ours, milliseconds));
    their.push(await rate(theirs, milliseconds));
    if (round % 2 === 1) our.push(await rate(ours, milliseconds));
  }
}
const rounds = Object.fromEntries(cases.map(({ name, our, their }) => [name, { our, their }]));
keepResult('authenticate', { machine, rounds }, page(), values);

/** Runs per second of CPU time. */
async function rate(run: () => Promise<unknown>, forMs: number): Promise<number> {
  const started = process.cpuUsage();
  const untilMs = performance.now() + forMs;
  let count = 0;
  while (performance.now() < untilMs) {
    await run();
    count++;
  }
  const { user, system } = process.cpuUsage(started);
  return (count / (user + system)) * 1e6;
}

function page(): string {
  const lines = cases.map(({ name, isUsual, our, their }) => {
    const times = spread(ratios(our, their));
    const verdict = !isUsual ? '' : times.median >= timesRequired ? 'reached' : '**missed**';
    const range = `${times.median.toFixed(1)} (${times.min.toFixed(1)}–${times.max.toFixed(1)})`;
    const [ours, theirs] = [our, their].map((found) => spread(found).median);
    return `| ${name} | ${told(ours!)} | ${told(theirs!)} | ${range} | ${verdict} |`;
  });
  return [
    `# Authentication bench, ${machine.date}`,
    '',
    machineLine(machine),
    '',
    `${roundCount} rounds, 5 kB a message, DNS at hand; medians. Required where a message is usual: ${timesRequired} times.`,
    '',
    '| message | ours: checks per CPU second | mailauth’s `authenticate()` | times | |',
    '|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function told(perSecond: number): string {
  return `${perSecond.toFixed(0)} (${(1e3 / perSecond).toFixed(2)} ms)`;
}
