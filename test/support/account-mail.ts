/** The command line on a real server's data folder, and all that an account holds, for tests that move mail. */

import type { ExportedMessage } from '../../src/actors/asks/control.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { openOffline } from '../../src/app/offline.ts';
import { emptyBytes } from '../../src/base/bytes.ts';
import { main } from '../../src/cli/main.ts';
import type { TestServer } from './test-server.ts';

export interface CommandRun {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** By the server's socket, or on its stopped store. */
export async function command(
  line: readonly string[],
  environment: Readonly<Record<string, string>>,
  input: string | Uint8Array = '',
): Promise<CommandRun> {
  let [out, error] = ['', ''];
  const streams = {
    out: { write: (text: string) => (out += text) },
    error: { write: (text: string) => (error += text) },
  };
  const given = (async function* () {
    yield Buffer.from(input);
  })();
  const code = await main(line, { streams, input: given, environment, openOffline });
  return { code, out, error };
}

/** What the command prints; rejects where it fails. A process for each would cost more than what it does. */
export async function commandOut(
  line: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { code, out, error } = await command(line, environment);
  if (code !== 0) throw new Error(`chaski ${line.join(' ')}: ${code}\n${error}`);
  return out;
}

export interface HeldMessage {
  readonly flags: readonly string[];
  readonly internalMs: number;
  /** As Latin-1. */
  readonly text: string;
}

/** By mailbox, in the order of UIDs; mailboxes without messages too. */
export async function heldMail(
  test: Pick<TestServer, 'server' | 'call'>,
  account: string,
): Promise<Record<string, HeldMessage[]>> {
  const held: Record<string, HeldMessage[]> = {};
  const { mailboxes } = await test.call('mailbox.list', { account });
  for (const { name } of mailboxes) held[name] = [];
  const emit = async (item: ExportedMessage, body: Uint8Array = emptyBytes) => {
    const text = Buffer.from(body).toString('latin1');
    const all = held[item.mailbox]!;
    const { flags, internalMs, offset } = item;
    const before = offset === 0 ? '' : all.pop()!.text;
    all.push({ flags: [...flags].sort(), internalMs, text: before + text });
  };
  const { signal } = new AbortController();
  await test.server.handlers['mailbox.export']!(
    { account },
    { by: askedHere, body: emptyBytes, signal, emit },
  );
  return held;
}
