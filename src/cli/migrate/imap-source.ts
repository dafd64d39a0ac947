/**
 * Another server's mailboxes, as a migration reads them: lists, sizes, and messages by UID.
 *
 * Runs in:   the CLI's process.
 * Specs:     RFC 9051 (EXAMINE, UID FETCH with BODY.PEEK), RFC 6154 (special use); by imapflow.
 * Limits:    a connection that broke is made anew, and the work on it tried `triesMax` times in all.
 * Invariant: nothing is changed over there: mailboxes are opened for reading only.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchMessageObject, FetchQueryObject, ImapFlow } from 'imapflow';
import { MailError } from '../../base/errors.ts';
import { secondMs } from '../../base/units.ts';
import type { SourceItem } from '../mail-files/source-item.ts';
import { rangesOf } from './uid-set.ts';

const triesMax = 5;
const retryMs = secondMs;

export interface ImapPlace {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; STARTTLS else, and nothing without it. */
  readonly isSecure: boolean;
  readonly user: string;
  readonly password: string;
  /** Whether its certificate must be good. */
  readonly mustVerify: boolean;
}

export interface SourceFolder {
  readonly path: string;
  readonly delimiter: string;
  /** As `\Sent`; "" is none. */
  readonly specialUse: string;
  readonly isSubscribed: boolean;
}

export interface SourceMessages {
  readonly uidValidity: number;
  /** Ascending, with sizes at the same places. */
  readonly uids: readonly number[];
  readonly sizes: readonly number[];
}

const whole: FetchQueryObject = { uid: true, flags: true, internalDate: true, source: true };

export class ImapSource {
  readonly #place: ImapPlace;
  #client: ImapFlow | undefined;
  #wasConnected = false;

  constructor(place: ImapPlace) {
    this.#place = place;
  }

  /** Folders that hold messages. @throws MailError `credentials-invalid`, `not-possible-now` */
  async folders(): Promise<SourceFolder[]> {
    const listed = await this.#run((client) => client.list());
    const holding = listed.filter(
      ({ flags }) => !flags.has('\\Noselect') && !flags.has('\\NonExistent'),
    );
    return holding.map(({ path, delimiter, specialUse, subscribed }) => ({
      path,
      delimiter,
      specialUse: specialUse ?? '',
      isSubscribed: subscribed === true,
    }));
  }

  /** What is in a folder above a UID. */
  messages(path: string, afterUid: (uidValidity: number) => number): Promise<SourceMessages> {
    return this.#run(async (client) => {
      const { uidValidity: given, uidNext } = await client.mailboxOpen(path, { readOnly: true });
      const uidValidity = Number(given);
      const first = afterUid(uidValidity) + 1;
      const found: [uid: number, size: number][] = [];
      if (first < uidNext) {
        const range = `${first}:*`;
        for await (const { uid, size } of client.fetch(range, { size: true }, { uid: true })) {
          // RFC 9051 §9: `*` is the last message, though its UID be lower.
          if (uid >= first) found.push([uid, size ?? 0]);
        }
      }
      found.sort(([a], [b]) => a - b);
      const uids = found.map(([uid]) => uid);
      return { uidValidity, uids, sizes: found.map(([, size]) => size) };
    });
  }

  /** Messages of a folder, ascending; those it does not give are faults. */
  async read(path: string, uids: readonly number[]): Promise<SourceItem[]> {
    const asked = await this.#run(async (client) => {
      await open(client, path);
      try {
        return await fetched(client, uids);
      } catch (error) {
        // One message it cannot give must not keep the others.
        if (!client.usable) throw error;
        return undefined;
      }
    });
    const found = asked ?? (await this.#oneByOne(path, uids));
    return uids.map((uid) => found.get(uid) ?? faultOf(path, uid, 'the server did not give it'));
  }

  async close(): Promise<void> {
    await this.#client?.logout().catch(() => {});
    this.#client?.close();
    this.#client = undefined;
  }

  async #oneByOne(path: string, uids: readonly number[]): Promise<Map<number, SourceItem>> {
    const found = new Map<number, SourceItem>();
    for (const uid of uids) {
      await this.#run(async (client) => {
        await open(client, path);
        try {
          for (const [of, item] of await fetched(client, [uid])) found.set(of, item);
        } catch (error) {
          if (!client.usable) throw error;
          found.set(uid, faultOf(path, uid, wordsOf(error)));
        }
      });
    }
    return found;
  }

  /** Again with a new connection where the one there was broke. */
  async #run<T>(work: (client: ImapFlow) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#client ??= await connect(this.#place);
        this.#wasConnected = true;
        return await work(this.#client);
      } catch (error) {
        if (error instanceof MailError) throw error;
        const isBroken = this.#client?.usable !== true;
        const { host } = this.#place;
        // A server that was never reached is not waited for: its name, port or certificate is wrong.
        if (!isBroken || !this.#wasConnected || attempt === triesMax) {
          throw new MailError('not-possible-now', `${host}: ${wordsOf(error)}`, { cause: error });
        }
        this.#client?.close();
        this.#client = undefined;
        await sleep(attempt * retryMs);
      }
    }
  }
}

async function connect(place: ImapPlace): Promise<ImapFlow> {
  const { host, port, isSecure, user, password, mustVerify } = place;
  // Loaded here: no other command pays for it.
  const { ImapFlow: Client } = await import('imapflow');
  const client = new Client({
    ...{ host, port, secure: isSecure, logger: false, auth: { user, pass: password } },
    // A password never goes in clear.
    ...(isSecure ? {} : { doSTARTTLS: true }),
    tls: { rejectUnauthorized: mustVerify },
    disableAutoIdle: true,
  });
  // What breaks is told by the command under way.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    client.close();
    const { authenticationFailed } = error as { authenticationFailed?: boolean };
    if (authenticationFailed !== true) throw error;
    throw new MailError('credentials-invalid', `${host} does not let ${user} in`);
  }
  return client;
}

async function open(client: ImapFlow, path: string): Promise<void> {
  if (client.mailbox !== false && client.mailbox.path === path) return;
  await client.mailboxOpen(path, { readOnly: true });
}

async function fetched(
  client: ImapFlow,
  uids: readonly number[],
): Promise<Map<number, SourceItem>> {
  const found = new Map<number, SourceItem>();
  const path = client.mailbox === false ? '' : client.mailbox.path;
  for await (const message of client.fetch(rangesOf(uids), whole, { uid: true })) {
    found.set(message.uid, itemOf(path, message));
  }
  return found;
}

function itemOf(path: string, message: FetchMessageObject): SourceItem {
  const { uid, source, flags, internalDate } = message;
  if (source === undefined) return faultOf(path, uid, 'the server gave no text');
  const dateMs = internalDate === undefined ? Number.NaN : new Date(internalDate).getTime();
  return {
    kind: 'message',
    place: `${path} UID ${uid}`,
    uid,
    bytes: source,
    flags: [...(flags ?? [])].filter((flag) => flag.toLowerCase() !== '\\recent'),
    internalMs: Number.isNaN(dateMs) ? Date.now() : dateMs,
  };
}

/** What the other server said, where it said something. */
function wordsOf(error: unknown): string {
  const { message, responseText } = error as { message?: string; responseText?: string };
  return responseText ?? message ?? String(error);
}

function faultOf(path: string, uid: number, reason: string): SourceItem {
  return { kind: 'fault', place: `${path} UID ${uid}`, reason };
}
