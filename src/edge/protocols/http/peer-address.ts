/**
 * Whose request it is, behind proxies or not.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 7239 (Forwarded); X-Forwarded-For and X-Forwarded-Proto have none.
 * Invariant: only a listed proxy is believed, and of what it says only the part that listed proxies wrote: from the
 *            right, up to the first address that is none of theirs. What stands before that a client may have sent.
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type NetworkSet, plainAddress } from '../../../base/networks.ts';

/** The one header that proxies set. A proxy passes a client's other one on as it came, so both are never read. */
type ForwardingHeader = 'x-forwarded-for' | 'forwarded';

export interface TrustedProxies {
  readonly networks: NetworkSet;
  readonly header: ForwardingHeader;
}

export interface HttpPeer {
  readonly address: string;
  readonly port: number;
  /** It came by TLS, to us or to the proxy. */
  readonly isTls: boolean;
}

interface Hop {
  /** Undefined: not said, or no address. */
  readonly address: string | undefined;
  readonly proto?: string | undefined;
}

type Request = Pick<IncomingMessage, 'socket' | 'headers'>;

export function peerOfRequest({ socket, headers }: Request, proxies: TrustedProxies): HttpPeer {
  const near: HttpPeer = {
    address: plainAddress(socket.remoteAddress ?? ''),
    port: socket.remotePort ?? 0,
    isTls: (socket as { readonly encrypted?: boolean }).encrypted === true,
  };
  if (!proxies.networks.has(near.address)) return near;
  const hopOf = proxies.header === 'forwarded' ? forwardedHop : plainHop;
  const pieces = textOf(headers[proxies.header]).split(',');
  let peer = near;
  for (const piece of pieces.toReversed()) {
    const { address, proto } = hopOf(piece.trim());
    // Who wrote it is a proxy of ours, and does not know: it answers for it.
    if (address === undefined) break;
    peer = { ...peer, address, isTls: proto === undefined ? peer.isTls : proto === 'https' };
    if (!proxies.networks.has(address)) break;
  }
  if (proxies.header === 'forwarded') return peer;
  const proto = textOf(headers['x-forwarded-proto']).split(',').at(-1)!.trim().toLowerCase();
  return proto === '' ? peer : { ...peer, isTls: proto === 'https' };
}

/** It says whose it is, and is not believed. */
export function isForwardedByStranger(
  { socket, headers }: Request,
  { networks, header }: TrustedProxies,
): boolean {
  return headers[header] !== undefined && !networks.has(plainAddress(socket.remoteAddress ?? ''));
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'object' ? value.join(',') : (value ?? '');
}

function plainHop(piece: string): Hop {
  return { address: addressOf(piece) };
}

const pair = /^([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")$/;

/** RFC 7239 §4; a comma within quotes ends it, too: whoever is before the last proxy cannot reach past it. */
function forwardedHop(piece: string): Hop {
  const values = new Map<string, string>();
  for (const text of piece.split(';')) {
    const match = pair.exec(text.trim());
    if (match === null) return { address: undefined };
    values.set(match[1]!.toLowerCase(), match[2] ?? match[3]!.replace(/\\(.)/g, '$1'));
  }
  const address = addressOf(values.get('for') ?? '');
  return { address, proto: values.get('proto')?.toLowerCase() };
}

/** With or without a port, and brackets. */
function addressOf(text: string): string | undefined {
  const match = /^(?:\[([^\]]*)\]|([\d.]*))(?::\d{1,5})?$/.exec(text);
  const address = plainAddress(match?.[1] ?? match?.[2] ?? text);
  return isIP(address) === 0 || address.includes('%') ? undefined : address;
}
