/**
 * What `npm start` shows: a demo domain on an empty data folder, and mail in the terminal as it arrives.
 *
 * Runs in:   main thread, in `chaski demo` only; `serve` never makes accounts.
 * Limits:    looks at the two demo accounts every `lookMs`; shows `linesMax` lines of a message.
 */

import { randomBytes } from 'node:crypto';
import type { ControlCall, ControlHandlers, ExportedMessage } from '../actors/asks/control.ts';
import { askedHere } from '../actors/asks/principal.ts';
import { concat, emptyBytes, utf8, view } from '../base/bytes.ts';
import { MailError } from '../base/errors.ts';
import type { RunningServer } from './server.ts';

const demoDomain = 'demo.test';
const names = ['ann', 'bob'] as const;
const lookMs = 500;
const linesMax = 24;

export interface Demo {
  stop(): void;
}

export async function startDemo(
  server: RunningServer,
  print: (text: string) => void,
): Promise<Demo> {
  if (server.isNew) await makeDomain(server.handlers, print);
  print(describeAddresses(server.addresses));
  const seen = new Map<string, number>();
  for (const name of names)
    seen.set(name, server.isNew ? 0 : await inboxCount(server.handlers, name));
  let isLooking = false;
  const timer = setInterval(async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      for (const name of names) await showNew(server.handlers, name, seen, print);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
    } finally {
      isLooking = false;
    }
  }, lookMs);
  if (server.isNew) await greet(server.handlers);
  return { stop: () => clearInterval(timer) };
}

async function makeDomain(handlers: ControlHandlers, print: (text: string) => void): Promise<void> {
  await handlers['domain.create']!({ name: demoDomain }, callOf());
  print(
    `\nA demo domain, ${demoDomain}, with two accounts. Their passwords are shown this once:\n`,
  );
  for (const name of names) {
    const password = randomBytes(9).toString('base64url');
    await handlers['account.create']!({ address: addressOf(name), password }, callOf());
    print(`  ${addressOf(name)}  ${password}`);
  }
}

function describeAddresses(addresses: RunningServer['addresses']): string {
  const rows = Object.entries(addresses).map(
    ([name, bound]) => `  ${name.padEnd(12)}${bound.join(', ')}`,
  );
  return [
    '\nChaski is ready. It listens on:\n',
    ...rows,
    '\nSend a mail from another terminal, and watch it arrive here:\n',
    `  printf 'Subject: hello\\n\\nFirst mail.\\n' | npm run -s chaski -- send --from ann@${demoDomain} --to bob@${demoDomain}`,
    '\nCtrl-C ends it.\n',
  ].join('\n');
}

async function greet(handlers: ControlHandlers): Promise<void> {
  const lines = [
    `From: Chaski <postmaster@${demoDomain}>`,
    `To: Ann <${addressOf('ann')}>`,
    'Subject: Your mail arrives',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'This message was journaled, synced to disk and delivered into your INBOX',
    'before its sender was told "ok". Kill the server now, and it is still here.',
    '',
  ];
  await handlers['message.send']!(
    { sender: `postmaster@${demoDomain}`, recipients: [addressOf('ann')] },
    callOf(utf8(lines.join('\r\n'))),
  );
}

async function inboxCount(handlers: ControlHandlers, name: string): Promise<number> {
  const { mailboxes } = await handlers['mailbox.list']!({ account: addressOf(name) }, callOf());
  return mailboxes.find(({ role }) => role === 'inbox')?.messageCount ?? 0;
}

async function showNew(
  handlers: ControlHandlers,
  name: string,
  seen: Map<string, number>,
  print: (text: string) => void,
): Promise<void> {
  const before = seen.get(name)!;
  const count = await inboxCount(handlers, name);
  seen.set(name, count);
  if (count <= before) return;
  let index = 0;
  await handlers['mailbox.export']!(
    { account: addressOf(name), mailbox: 'INBOX' },
    callOf(emptyBytes, async (body, item) => {
      // Of a large message, its beginning is enough.
      const { offset } = item as ExportedMessage;
      if (offset === 0 && index++ >= before) print(frame(name, body));
    }),
  );
}

function frame(name: string, body: Uint8Array): string {
  const lines = view(body).toString('utf8').trimEnd().split(/\r?\n/);
  // What a person reads: the fields they know, then the text.
  const end = lines.indexOf('');
  const header = lines.slice(0, end).filter((line) => /^(From|To|Subject|Date):/i.test(line));
  const shown = [...header, '', ...lines.slice(end + 1)].slice(0, linesMax);
  const title = `┌─ new mail for ${addressOf(name)} `;
  return ['', title.padEnd(78, '─'), ...shown.map((line) => `│ ${line}`), '└'.padEnd(78, '─')].join(
    '\n',
  );
}

function addressOf(name: string): string {
  return `${name}@${demoDomain}`;
}

/** A call from inside the process. */
function callOf(
  body: Uint8Array = emptyBytes,
  onItem: (body: Uint8Array, item: unknown) => Promise<void> = async () => {},
): ControlCall<never> & ControlCall<unknown> {
  return {
    by: askedHere,
    body: concat([body]),
    signal: new AbortController().signal,
    emit: async (item: unknown, bytes?: Uint8Array) => onItem(bytes ?? emptyBytes, item),
  };
}
