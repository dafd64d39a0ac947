/**
 * What `chaski ledger` takes: its options and its help.
 *
 * Runs in: the CLI's process; data, and the reading of option values.
 */

import { parseArgs } from 'node:util';
import { eventMaps } from '../../harness/collect/event-map.ts';
import { countMetrics, latencyMetrics } from '../../harness/ledger/thresholds.ts';

export const usage = `usage: chaski ledger check DIR [--max-lost N] [--p99-end-to-end MS] [--threshold TEXT] [--json]
       chaski ledger collect imap DIR --target HOST:PORT --user U --password-stdin [options]
       chaski ledger collect eml DIR --eml FOLDER --to ADDRESS
       chaski ledger listen DIR --http HOST:PORT [--format NAME|FILE] [--json]

A ledger is a folder in which load and sink note every message with its id and hash. What was
acknowledged must have arrived once and unchanged, or its sender must have been told that it failed.

check    joins all entries into one account. The exit code is the verdict: 0 or 1.
  --max-lost N            also --max-duplicated, -corrupted, -unexplained, -contradicted,
                          -malformed (0 where left out), and --max-reordered, -bounced, -delayed,
                          -unreported (not looked at where left out)
  --p99-end-to-end MS     from the end of DATA to arrival; also --p50-, --p90-, --p99.9-, --max-
                          and --mean-end-to-end
  --threshold TEXT        the same in a scenario's words, as "lost <= 3" or "p99-end-to-end < 2s"
collect  enters what a sink does not see.
  imap                    mailboxes of any server, read without changing anything; notices of
                          failure in them are entered as such. Collected twice, it counts once
  --user U                who logs in; a template as user{1-100}@example.com
  --password-stdin        the password of all is the first line of standard input
  --to A                  whose mail it is, a template as --user; its user where left out
  --mailbox NAME          default INBOX; may stand more than once; "*" is all of them
  --tls KIND              starttls or implicit; --verify looks at the certificate, for --tls-name
  --connections N         accounts at a time (default 4)
  eml                     the .eml files of an exported mailbox, all arrived for --to
listen   takes a server's webhooks until it is stopped: JSON, an event or a list of them a request
  --format NAME           ${Object.keys(eventMaps).join(', ')} (default generic), or a file that
                          says where a server's events keep what (docs/ledger.md)

examples:
  chaski sink --listen 127.0.0.1:2620 --ledger /tmp/ledger
  chaski load smtp --target 127.0.0.1:2525 --sessions 10 --count 1000 --ledger /tmp/ledger
  chaski ledger check /tmp/ledger --max-duplicated 2 --p99-end-to-end 500
  printf 'secret\\n' | chaski ledger collect imap /tmp/ledger --target 127.0.0.1:2993 \\
      --tls implicit --user "user{1-100}@example.com" --password-stdin
  chaski ledger listen /tmp/ledger --http 127.0.0.1:8085 --format kumomta
`;

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

const options = {
  threshold: texts,
  target: text,
  user: text,
  'password-stdin': flag,
  to: text,
  mailbox: texts,
  tls: text,
  'tls-name': text,
  verify: flag,
  connections: text,
  eml: text,
  http: text,
  format: text,
  json: flag,
  help: { type: 'boolean', short: 'h' },
} as const;

const bounds = [...countMetrics.map((metric) => `max-${metric}`), ...latencyMetrics];
const boundOptions = Object.fromEntries(bounds.map((name) => [name, text]));

const ofAction: Readonly<Record<string, readonly string[]>> = {
  check: ['threshold', 'json', ...bounds],
  'collect imap': [
    ...['target', 'user', 'password-stdin', 'to', 'mailbox', 'tls', 'tls-name', 'verify'],
    ...['connections', 'json'],
  ],
  'collect eml': ['eml', 'to', 'json'],
  listen: ['http', 'format', 'json'],
};

export type LedgerValues = ReturnType<typeof parseLine>['values'];

export function parseLine(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...boundOptions, ...options },
  });
  return { values, positionals };
}

export interface LedgerCall {
  readonly action: string;
  readonly folder: string;
}

/** Throws a sentence where something is missing, or would not be heard. */
export function callOf(positionals: readonly string[], values: LedgerValues): LedgerCall {
  const [first = '', second = '', ...rest] = positionals;
  const isTwo = first === 'collect';
  const action = isTwo ? `collect ${second}`.trim() : first;
  const allowed = Object.hasOwn(ofAction, action) ? ofAction[action]! : undefined;
  if (allowed === undefined) {
    throw new Error(`"${action}" is no action; there are ${Object.keys(ofAction).join(', ')}`);
  }
  const [folder, more] = isTwo ? rest : [second === '' ? undefined : second, rest[0]];
  if (folder === undefined) throw new Error(`${action}: which folder?`);
  if (more !== undefined) throw new Error(`"${more}" is one word too many`);
  for (const option of Object.keys(values)) {
    if (!allowed.includes(option)) throw new Error(`--${option} is not for "${action}"`);
  }
  return { action, folder };
}
