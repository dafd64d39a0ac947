/**
 * Reads all of an account over IMAP, as a client that was here before: what it kept, brought up to date with
 * QRESYNC, must be what the server holds.
 *
 * Runs in: crash runs and simulations.
 * Specs:   RFC 7162 §3.2.5.
 */

import type { ImapClient } from './imap-client.ts';
import { fetchItems, type Response } from './imap-values.ts';
import type { FoundMailbox, FoundMessage } from './mail-ledger.ts';
import { readText } from './mail-text.ts';

/** What a client kept of each mailbox, by name. */
export type KeptMail = Map<string, FoundMailbox>;

export interface Look {
  readonly found: readonly FoundMailbox[];
  readonly faults: readonly string[];
}

/** `client` is logged in. What is found becomes what is kept. */
export async function lookAtAll(client: ImapClient, kept: KeptMail): Promise<Look> {
  await client.ok('ENABLE QRESYNC');
  const { untagged } = await client.ok('LIST "" "*"');
  const listed = untagged.filter(({ name }) => name === 'LIST');
  // What stands above others' mailboxes is none.
  const real = listed.filter(({ values }) => !/\\No(?:select|nExistent)/i.test(`${values[0]}`));
  const names = real.map(({ values }) => `${values[2]}`);
  const found: FoundMailbox[] = [];
  const faults: string[] = [];
  for (const name of names.sort()) {
    const before = kept.get(name);
    const { mailbox, missed } = await lookAt(client, name, before);
    found.push(mailbox);
    if (before?.uidValidity === mailbox.uidValidity) {
      faults.push(...resyncFaults(before, missed, mailbox));
    }
  }
  kept.clear();
  for (const mailbox of found) kept.set(mailbox.name, mailbox);
  await client.ok('UNSELECT');
  return { found, faults };
}

interface Opened {
  readonly mailbox: FoundMailbox;
  /** What SELECT told a client that knew the mailbox as it was. */
  readonly missed: readonly Response[];
}

/** One mailbox, after ENABLE QRESYNC. */
export async function lookAt(
  client: ImapClient,
  name: string,
  before?: FoundMailbox,
): Promise<Opened> {
  const known = before && ` (QRESYNC (${before.uidValidity} ${Math.max(1, before.modseq)}))`;
  const opened = await client.ok(`EXAMINE "${name}"${known ?? ''}`);
  const messages: FoundMessage[] = [];
  if (numberOf(opened.untagged, 'EXISTS') > 0) {
    const { untagged } = await client.ok('UID FETCH 1:* (UID FLAGS BODY.PEEK[])');
    for (const response of untagged) {
      if (response.name !== 'FETCH') continue;
      const items = fetchItems(response);
      // What others changed meanwhile is told unasked, without texts.
      if (response.literals.length === 0) continue;
      // A literal's octets, not what UTF-8 makes of them.
      const text = readText(response.literals[0]!.toString('latin1'));
      messages.push({ uid: items.get('UID') as number, text, flags: flagsOf(items.get('FLAGS')) });
    }
  }
  const code = (word: string) => codeNumber(opened.untagged, word);
  const numbers = { uidValidity: code('UIDVALIDITY'), uidNext: code('UIDNEXT') };
  const mailbox = { name, ...numbers, modseq: code('HIGHESTMODSEQ'), messages };
  return { mailbox, missed: opened.untagged };
}

function resyncFaults(
  before: FoundMailbox,
  missed: readonly Response[],
  now: FoundMailbox,
): string[] {
  const flags = new Map(before.messages.map((message) => [message.uid, message.flags]));
  for (const response of missed) {
    if (response.name === 'VANISHED') {
      const set = String(response.values.at(-1));
      for (const [first, last] of rangesOf(set)) {
        for (const uid of [...flags.keys()]) if (uid >= first && uid <= last) flags.delete(uid);
      }
    } else if (response.name === 'FETCH') {
      const items = fetchItems(response);
      flags.set(items.get('UID') as number, flagsOf(items.get('FLAGS')));
    }
  }
  const wanted = now.messages.map(({ uid, flags: has }) => `${uid} ${has}`);
  const kept = [...flags].sort(([a], [b]) => a - b).map(([uid, has]) => `${uid} ${has}`);
  const isSame = wanted.join() === kept.join();
  return isSame ? [] : [`${now.name} by QRESYNC is ${kept.join(', ')} and is ${wanted.join(', ')}`];
}

/** Those that last: \Recent is a session's own (RFC 3501 §2.3.2). */
export function flagsOf(list: unknown): string {
  const flags = (list as readonly string[]).filter((flag) => flag !== '\\Recent');
  return flags.sort().join(' ');
}

/** `1:3,7`, both ends included. */
export function rangesOf(set: string): [first: number, last: number][] {
  return set.split(',').map((part) => {
    const [first, last] = part.split(':').map(Number) as [number, number?];
    return [first, last ?? first];
  });
}

export function uidsOf(set: string): number[] {
  return rangesOf(set).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
}

function codeNumber(responses: readonly Response[], word: string): number {
  const match = responses.find(({ code }) => code.startsWith(`${word} `));
  return Number(match?.code.slice(word.length + 1) ?? Number.NaN);
}

function numberOf(responses: readonly Response[], name: string): number {
  return responses.find((response) => response.name === name)?.number ?? 0;
}
