/**
 * `node bench/lmtp.ts`: Chaski and Dovecot take the same mail into 100 accounts over LMTP, in turn.
 *
 * Runs in:   a process of its own, as root where Dovecot is to be measured.
 * Invariant: every message is acknowledged for its recipient, so it is on disk by each server's own
 *            rule.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ratios, type Spread, spread } from '../src/harness/measure/spread.ts';
import { type Measurement, measure, readDelivery, startOwn } from './lmtp/delivery.ts';
import { describeMachine, firstLine, type Machine, machineLine } from './machine.ts';
import { makeWork } from './relay/rig.ts';
import { keepResult } from './result.ts';
import { dovecotIsInstalled, startDovecot } from './servers/dovecot.ts';
import type { ServerUnderTest } from './servers/server.ts';

/** What V8 compiles in a server's first seconds is not its price. */
const warmUpMessages = { chaski: 24_000, dovecot: 1_000 } as const;
const required = 3;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    /** In place of what the scenario says. */
    messages: { type: 'string' },
    format: { type: 'string', default: 'sdbox' },
    only: { type: 'string' },
    /** Clients send MAIL, RCPT and DATA in one go, as the LMTP clients of Postfix and Exim do. */
    pipeline: { type: 'boolean', default: false },
    work: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});

const delivery = await readDelivery(values.pipeline ? 'lmtp-3kB-pipelined' : 'lmtp-3kB');
const messages = Number(values.messages ?? delivery.messages);
const machine = describeMachine(`Dovecot ${firstLine('dovecot', ['--version'])}`);
const work = makeWork(values.work);
try {
  report(machine, await bench());
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function bench(): Promise<Record<string, Measurement[]>> {
  const servers: ServerUnderTest[] = [];
  const measured: Record<string, Measurement[]> = {};
  try {
    for (const start of starters()) servers.push(await start());
    for (const server of servers) {
      measured[server.name] = [];
      const isPeer = server.name.startsWith('dovecot');
      await measure(server, delivery, isPeer ? warmUpMessages.dovecot : warmUpMessages.chaski);
    }
    for (let round = 0; round < Number(values.rounds); round++) {
      const first = round % servers.length;
      for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
        const result = await measure(server, delivery, messages);
        measured[server.name]!.push(result);
        process.stderr.write(
          `round ${round + 1} ${server.name}: ${result.messagesPerSecond.toFixed(0)}/s, ` +
            `${result.cpuSecondsPer1000.toFixed(3)} CPU s/1000\n`,
        );
      }
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  return measured;
}

function starters(): readonly (() => Promise<ServerUnderTest>)[] {
  const all: (() => Promise<ServerUnderTest>)[] = [];
  if (values.only !== 'dovecot')
    all.push(
      () => startOwn('chaski', newFolder()),
      () => startOwn('chaski again', newFolder()),
    );
  if (values.only === 'chaski') return all;
  if (dovecotIsInstalled()) all.push(() => startDovecot(newFolder(), values.format));
  else process.stderr.write('dovecot: skipped, not installed or not root\n');
  return all;
}

function newFolder(): string {
  return mkdtempSync(join(work, 'server-'));
}

function report(where: Machine, measured: Record<string, Measurement[]>): void {
  const peer = Object.entries(measured).find(([name]) => name.startsWith('dovecot'))?.[1];
  const lines = [
    `# LMTP bench, ${where.date}`,
    '',
    machineLine(where),
    '',
    `Scenario: ${delivery.title}. Required: ${required} times Dovecot’s messages a second.`,
    '',
    '| server | messages/s | × Dovecot | CPU s/1000 | p50 ms | p99 ms | PSS MB |',
    '|---|---|---|---|---|---|---|',
  ];
  for (const [name, own] of Object.entries(measured)) {
    const figures = (pick: (each: Measurement) => number) => own.map(pick);
    const rate = figures((each) => each.messagesPerSecond);
    const ratio =
      peer === undefined
        ? '–'
        : range(
            spread(
              ratios(
                rate,
                peer.map((each) => each.messagesPerSecond),
              ),
            ),
            2,
          );
    lines.push(
      `| ${name} | ${range(spread(rate), 0)} | ${ratio} ` +
        `| ${range(spread(figures((each) => each.cpuSecondsPer1000)), 3)} ` +
        `| ${range(spread(figures((each) => each.p50Ms)), 1)} ` +
        `| ${range(spread(figures((each) => each.p99Ms)), 1)} ` +
        `| ${(Math.max(...figures((each) => each.pssBytes)) / 1e6).toFixed(0)} |`,
    );
  }
  keepResult('lmtp', { machine: where, measured }, `${lines.join('\n')}\n`, values);
}

function range(figures: Spread, digits: number): string {
  const { median, min, max } = figures;
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
