/**
 * A mail server we did not write, on a port of its own: takes mail for its domain into Maildirs, hands all other mail
 * to one next server.
 *
 * Runs in: interop tests, as root (these servers drop to users of their own).
 */

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/test-server.ts';

export interface PeerOptions {
  /** Empty, of its own; every user may enter it. */
  readonly folder: string;
  /** Taken in; other domains go to `next`. "*": every domain. */
  readonly domain: string;
  /** Local parts it has; other recipients of its domain are refused. */
  readonly users: readonly string[];
  readonly next: PeerNext;
  /** Its certificate for `mx.<domain>`, PEM. */
  readonly certificate: { readonly cert: string; readonly key: string };
}

export interface PeerNext {
  /** On 127.0.0.1; always under TLS. */
  readonly port: number;
  /** A file with the certificate the next server shows. */
  readonly trusted: string;
  /** To log in there. */
  readonly user?: string;
  readonly password?: string;
}

export interface Peer {
  readonly port: number;
  readonly folder: string;
  stop(): Promise<void>;
}

/** The log in of a user that a peer may have for us, where it can be told of one. */
export const peerUser = 'relay-user';
export const peerPassword = 'relay-secret';

export function makeFolders(folder: string, ...names: readonly string[]): void {
  for (const name of names) mkdirSync(join(folder, name));
}

/** The message of a user's Maildir that has these words. */
export async function peerMail(peer: Peer, user: string, words: string): Promise<string> {
  const place = join(peer.folder, 'mail', user, 'new');
  return await eventually(`"${words}" in ${user}'s Maildir`, () => {
    const names = existsSync(place) ? readdirSync(place) : [];
    const texts = names.map((name) => readFileSync(join(place, name), 'latin1'));
    return texts.find((text) => text.includes(words));
  });
}
