/** The table of docs/sasl.md, held against what the suites really run. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** Which suite runs which clients. */
const clients = {
  flows: ['imapflow', 'nodemailer'],
  interop: ['gsasl', 'libgsasl', 'msmtp', 'mpop', 'curl', 'swaks', 'python3', 'mbsync'],
} as const;

/** The names of ways that the table tells: `CLIENT by MECHANISM on PROTOCOL`. */
function waysInDocs(): readonly string[] {
  const lines = readFileSync(new URL('../../docs/sasl.md', import.meta.url), 'utf8').split('\n');
  const start = lines.indexOf('| mechanism | smtp | imap | pop3 |');
  assert.ok(start > 0, 'docs/sasl.md has its table');
  const ways: string[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    const [mechanism = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    for (const [i, protocol] of ['smtp', 'imap', 'pop3'].entries()) {
      for (const client of (cells[i] ?? '').split(', ').filter((name) => name !== '')) {
        ways.push(`${client} by ${mechanism.replaceAll('`', '')} on ${protocol}`);
      }
    }
  }
  return ways;
}

/** Fails where the table tells of a way that is not run, or not of one that is. */
export function checkMatrix(suite: keyof typeof clients, run: readonly string[]): void {
  const told = waysInDocs();
  const known: readonly string[] = Object.values(clients).flat();
  for (const way of told) assert.ok(known.includes(way.split(' ')[0]!), `who runs ${way}?`);
  const own: readonly string[] = clients[suite];
  const ours = told.filter((way) => own.includes(way.split(' ')[0]!));
  assert.deepEqual([...ours].sort(), [...run].sort());
}
