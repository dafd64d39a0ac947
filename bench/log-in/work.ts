/**
 * What the log-in bench has a server do: log-ins by IMAP, one after another on each connection, and mail by LMTP at a
 * steady pace beside them.
 *
 * Runs in:   bench.
 * Invariant: only what succeeded is counted; anything else ends the bench.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Line } from './line.ts';

export const domain = 'bench.test';
export const password = 'correct horse battery staple';

const body = `Subject: x\r\n\r\n${'a line of text that says nothing\r\n'.repeat(30)}.\r\n`;

/** Log-ins of a second by SASL PLAIN, for `seconds`: UNAUTHENTICATE (RFC 8437) gives the connection back. */
export async function logInsPerSecond(
  port: number,
  {
    connections,
    accounts,
    seconds,
  }: Readonly<Record<'connections' | 'accounts' | 'seconds', number>>,
): Promise<number> {
  const lines = await Promise.all(
    Array.from({ length: connections }, () => Line.open(port, /^\* OK/)),
  );
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  let count = 0;
  const run = async (line: Line, first: number) => {
    for (let turn = 0; performance.now() < endMs; turn++) {
      const user = `user${1 + ((first + turn * connections) % accounts)}@${domain}`;
      const shown = Buffer.from(`\0${user}\0${password}`).toString('base64');
      const told = await line.ask(`a AUTHENTICATE PLAIN ${shown}\r\n`, /^a /);
      if (!told.startsWith('a OK')) throw new Error(`log-in: ${told}`);
      count++;
      const left = await line.ask('b UNAUTHENTICATE\r\n', /^b /);
      if (!left.startsWith('b OK')) throw new Error(`UNAUTHENTICATE: ${left}`);
    }
  };
  await Promise.all(lines.map(run));
  for (const line of lines) line.close();
  return (count / (performance.now() - startMs)) * 1_000;
}

/** Milliseconds from MAIL to the answer to the message, of one message each `everyMs`, sorted. */
export async function deliveryMs(
  port: number,
  { accounts, seconds, everyMs }: Readonly<Record<'accounts' | 'seconds' | 'everyMs', number>>,
): Promise<readonly number[]> {
  const lines = await Promise.all(Array.from({ length: 8 }, () => openLmtp(port)));
  const free = [...lines];
  const times: number[] = [];
  const under: Promise<void>[] = [];
  const startMs = performance.now();
  const total = Math.floor((seconds * 1_000) / everyMs);
  for (let number = 0; number < total; number++) {
    const dueMs = startMs + number * everyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const line = free.pop();
    // All are busy: what waits for one is late from when it was due, not from when it is sent.
    if (line === undefined) await Promise.race(under.slice(-lines.length));
    const own = line ?? free.pop() ?? (await openLmtp(port));
    const sending = deliver(own, 1 + (number % accounts)).then(() => {
      times.push(performance.now() - dueMs);
      free.push(own);
    });
    under.push(sending);
  }
  await Promise.all(under);
  for (const line of free) line.close();
  return times.sort((a, b) => a - b);
}

async function openLmtp(port: number): Promise<Line> {
  const line = await Line.open(port, /^220 /);
  await line.ask('LHLO bench.test\r\n', /^250 /);
  return line;
}

async function deliver(line: Line, account: number): Promise<void> {
  await line.ask('MAIL FROM:<a@far.test>\r\n', /^\d/);
  await line.ask(`RCPT TO:<user${account}@${domain}>\r\n`, /^\d/);
  await line.ask('DATA\r\n', /^\d/);
  const told = await line.ask(body, /^\d/);
  if (!told.startsWith('250')) throw new Error(`delivery: ${told}`);
}

export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}
