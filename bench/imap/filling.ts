/**
 * Puts the corpus into a server's mailboxes, as fast as the server takes it.
 *
 * Runs in:   bench.
 * Invariant: a mailbox marked as filled holds exactly its number of messages; one that was begun and not ended is
 *            made anew.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RawClient } from './client.ts';
import { type Corpus, type CorpusMessage, internalDate } from './corpus.ts';
import type { ImapServer } from './servers.ts';

/** Messages of one MULTIAPPEND, or pipelined by one connection. */
const batchMessages = 200;
const connections = 10;
/** More than this is made of copies of as many: bodies are the same, UIDs and flags are not. */
export const appendedMax = 100_000;

export const aside = 'aside';
export const away = 'away';
export const log = 'log';
export const warm = 'warm';
export const warmMessages = 1_000;

export function mailboxOf(size: number): string {
  return `m${size}`;
}

export async function fill(
  server: ImapServer,
  corpus: Corpus,
  sizes: readonly number[],
  say: (line: string) => void,
): Promise<void> {
  const client = await server.connect();
  const wanted = [...sizes].sort((a, b) => a - b);
  if (wanted.at(-1)! > appendedMax && !wanted.includes(appendedMax)) {
    wanted.splice(wanted.length - 1, 0, appendedMax);
  }
  const done = async (name: string, make: () => Promise<void>) => {
    const mark = join(server.folder, `filled-${name}`);
    if (existsSync(mark)) return;
    await client.say(`DELETE ${name}`).catch(() => {});
    await client.say(`CREATE ${name}`);
    const beganMs = performance.now();
    await make();
    const seconds = (performance.now() - beganMs) / 1_000;
    say(`${server.name}: ${name} filled in ${seconds.toFixed(1)} s`);
    writeFileSync(mark, '');
  };
  for (const name of [aside, away, log]) {
    await client.say(`DELETE ${name}`).catch(() => {});
    await client.say(`CREATE ${name}`);
  }
  await done(warm, () => append(server, corpus, warm, warmMessages));
  for (const size of wanted) {
    const name = mailboxOf(size);
    await done(name, () =>
      size <= appendedMax ? append(server, corpus, name, size) : copy(client, name, size),
    );
  }
  client.close();
}

async function append(
  server: ImapServer,
  corpus: Corpus,
  mailbox: string,
  count: number,
): Promise<void> {
  const first = await server.connect();
  const { text } = await first.say('CAPABILITY', { keeps: true });
  const isMulti = / MULTIAPPEND\b/.test(text);
  const clients = [first];
  // Without MULTIAPPEND each message is synced alone, and several connections share the syncs.
  while (!isMulti && clients.length < connections) clients.push(await server.connect());
  let next = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (next < count) {
        const from = next;
        next = Math.min(count, from + batchMessages);
        const messages = Array.from({ length: next - from }, (_, i) => corpus.message(from + i));
        if (isMulti) await client.say(appendCommand(mailbox, messages));
        else await client.sayAll(messages.map((message) => appendCommand(mailbox, [message])));
      }
    }),
  );
  for (const client of clients) client.close();
}

async function copy(client: RawClient, mailbox: string, count: number): Promise<void> {
  await client.say(`SELECT ${mailboxOf(appendedMax)}`);
  for (let made = 0; made < count; made += appendedMax) {
    await client.say(`COPY 1:${Math.min(appendedMax, count - made)} ${mailbox}`);
  }
  await client.say('UNSELECT');
}

/** RFC 9051 §6.3.12, RFC 3502; RFC 7888: literals that wait for nothing. */
export function appendCommand(mailbox: string, messages: readonly CorpusMessage[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`APPEND ${mailbox}`)];
  for (const { bytes, isSeen, isFlagged, internalMs } of messages) {
    const flags = `${isSeen ? '\\Seen ' : ''}${isFlagged ? '\\Flagged' : ''}`.trim();
    const date = internalDate(internalMs);
    pieces.push(Buffer.from(` (${flags}) "${date}" {${bytes.length}+}\r\n`), bytes);
  }
  return Buffer.concat(pieces);
}
