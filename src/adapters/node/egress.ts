/**
 * The way from a socket that is connected to a proxy to one that is connected to the target.
 *
 * Runs in:   the thread that dials.
 * Specs:     RFC 1928 (by `socks5.ts`); the PROXY protocol, version 2, §2.2.
 * Limits:    all of it within the time the dial has left.
 */

import { Buffer } from 'node:buffer';
import { isIPv6, type Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { DialTarget, EgressProxy } from '../../ports/dialer.ts';
import { DialError } from '../../ports/dialer.ts';
import { Socks5Opening } from './socks5.ts';

/** What stands behind the proxy. */
export interface Egress {
  readonly localAddress: string;
  /** What came of the target with the proxy's last word. */
  readonly rest: Buffer;
}

/** One opening under way: it is given what comes until `onOpen` was called. */
export interface ProxyOpening {
  onBytes(bytes: Buffer): void;
  /** Whose fault it is when nothing more comes. */
  silence(): DialError;
}

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const versionAndProxy = 0x21;
const tcpOver4 = 0x11;
const tcpOver6 = 0x21;

/** Speaks to the proxy at the other end of `socket`; a failure destroys the socket with its `DialError`. */
export function openThrough(
  proxy: EgressProxy,
  target: DialTarget,
  socket: Socket,
  onOpen: (egress: Egress) => void,
): ProxyOpening {
  return proxy.kind === 'socks5'
    ? openSocks5(proxy, target, socket, onOpen)
    : openProxyV2(proxy, target, socket, onOpen);
}

function openSocks5(
  proxy: EgressProxy,
  target: DialTarget,
  socket: Socket,
  onOpen: (egress: Egress) => void,
): ProxyOpening {
  const opening = new Socks5Opening(target, proxy);
  socket.write(opening.greeting());
  return {
    onBytes(bytes) {
      const step = opening.onBytes(bytes);
      if (step.do === 'send') socket.write(step.bytes);
      else if (step.do === 'connected') onOpen(step);
      else if (step.do === 'fail') socket.destroy(new DialError(step.fault, step.detail));
    },
    silence: () =>
      opening.isTargetAsked
        ? new DialError('timed-out', `${target.address}:${target.port}`)
        : proxyFault(proxy, 'it did not answer in time'),
  };
}

function openProxyV2(
  proxy: EgressProxy,
  target: DialTarget,
  socket: Socket,
  onOpen: (egress: Egress) => void,
): ProxyOpening {
  const { localAddress = '' } = target;
  socket.write(proxyV2Header(localAddress, target));
  // The proxy says nothing: the next word is the target's.
  queueMicrotask(() => onOpen({ localAddress, rest: Buffer.alloc(0) }));
  return { onBytes() {}, silence: () => proxyFault(proxy, 'it did not answer in time') };
}

/** From an address of ours, at a port of the proxy's choice, to the target. */
export function proxyV2Header(localAddress: string, target: DialTarget): Buffer {
  const isSix = isIPv6(target.address);
  const from = ipaddr.parse(localAddress).toByteArray();
  const to = ipaddr.parse(target.address).toByteArray();
  const addresses = Buffer.from([...from, ...to]);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(target.port, 2);
  const length = addresses.length + ports.length;
  const head = Buffer.of(versionAndProxy, isSix ? tcpOver6 : tcpOver4, length >>> 8, length & 0xff);
  return Buffer.concat([signature, head, addresses, ports]);
}

export function proxyFault(proxy: EgressProxy, detail: string): DialError {
  return new DialError('source', `proxy ${proxy.address}:${proxy.port}: ${detail}`);
}
