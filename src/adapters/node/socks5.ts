/**
 * The client's side of SOCKS 5 up to the point where the connection is the target's: bytes in, bytes out.
 *
 * Runs in:   the thread that dials; no I/O of its own.
 * Specs:     RFC 1928 §3, §4, §6 (CONNECT to an address); RFC 1929 §2 (user and password).
 * Limits:    what the proxy says fits `replyBytesMax`; user and password have 255 bytes at most.
 */

import { Buffer } from 'node:buffer';
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { DialFault, DialTarget, EgressProxy } from '../../ports/dialer.ts';

export type Socks5Step =
  | { readonly do: 'wait' }
  | { readonly do: 'send'; readonly bytes: Uint8Array }
  /** `rest` came from the target already; `localAddress` is what it sees, "" where that was not said. */
  | { readonly do: 'connected'; readonly localAddress: string; readonly rest: Buffer }
  | { readonly do: 'fail'; readonly fault: DialFault; readonly detail: string };

const version = 5;
const authVersion = 1;
const noAuthentication = 0;
const userPassword = 2;
/** The longest reply: a name of 255 bytes as bound address. */
const replyBytesMax = 4 + 1 + 255 + 2;
/** RFC 1928 §6, from 1 on; those of the proxy itself are the source's fault. */
const refusals: readonly (readonly [fault: DialFault, text: string])[] = [
  ['source', 'general failure'],
  ['source', 'not allowed by its rules'],
  ['unreachable', 'network unreachable'],
  ['unreachable', 'host unreachable'],
  ['refused', 'connection refused'],
  ['unreachable', 'TTL expired'],
  ['source', 'CONNECT is not supported'],
  ['source', 'this kind of address is not supported'],
];

export class Socks5Opening {
  readonly #target: DialTarget;
  readonly #proxy: EgressProxy;
  #waits: 'method' | 'authentication' | 'reply' = 'method';
  #got = Buffer.alloc(0);

  constructor(target: DialTarget, proxy: EgressProxy) {
    this.#target = target;
    this.#proxy = proxy;
  }

  /** The target was asked for: from here on silence is its own. */
  get isTargetAsked(): boolean {
    return this.#waits === 'reply';
  }

  /** What to say first. */
  greeting(): Uint8Array {
    const methods =
      this.#proxy.credentials === undefined ? [noAuthentication] : [noAuthentication, userPassword];
    return Buffer.of(version, methods.length, ...methods);
  }

  onBytes(bytes: Uint8Array): Socks5Step {
    this.#got = Buffer.concat([this.#got, bytes]);
    if (this.#waits === 'reply') return this.#onReply();
    if (this.#got.length < 2) return { do: 'wait' };
    const [first = 0, second = 0] = this.#got;
    this.#got = this.#got.subarray(2);
    // Nobody speaks out of turn before the target is connected.
    if (this.#got.length > 0) return failed('bytes out of turn');
    return this.#waits === 'method' ? this.#onMethod(first, second) : this.#onWelcome(second);
  }

  #onMethod(said: number, method: number): Socks5Step {
    const { credentials } = this.#proxy;
    if (said !== version) return failed('it does not speak SOCKS 5');
    if (method === noAuthentication) return this.#connect();
    if (method !== userPassword || credentials === undefined) {
      return failed('it takes no way of log-in we have');
    }
    this.#waits = 'authentication';
    const user = Buffer.from(credentials.user);
    const password = Buffer.from(credentials.password);
    const lengths = [Buffer.of(authVersion, user.length), Buffer.of(password.length)] as const;
    return { do: 'send', bytes: Buffer.concat([lengths[0], user, lengths[1], password]) };
  }

  #onWelcome(status: number): Socks5Step {
    return status === 0 ? this.#connect() : failed('user and password were refused');
  }

  #connect(): Socks5Step {
    this.#waits = 'reply';
    const { address, port } = this.#target;
    const kind = isIPv6(address) ? 4 : 1;
    const end = Buffer.of(port >>> 8, port & 0xff);
    const head = Buffer.of(version, 1, 0, kind);
    return {
      do: 'send',
      bytes: Buffer.concat([head, Buffer.from(ipaddr.parse(address).toByteArray()), end]),
    };
  }

  #onReply(): Socks5Step {
    const got = this.#got;
    if (got.length < 5) return { do: 'wait' };
    if (got[0] !== version) return failed('its reply is not SOCKS 5');
    const code = got[1]!;
    if (code !== 0) {
      const [fault, text] = refusals[code - 1] ?? (['source', `reply ${code}`] as const);
      return { do: 'fail', fault, detail: `the proxy says: ${text}` };
    }
    const length = { 1: 4, 3: 1 + got[4]!, 4: 16 }[got[3]!];
    if (length === undefined) return failed('its reply names an address of no known kind');
    const end = 4 + length + 2;
    if (got.length < end && got.length < replyBytesMax) return { do: 'wait' };
    const localAddress = got[3] === 3 ? '' : boundAddress(got.subarray(4, 4 + length));
    return { do: 'connected', localAddress, rest: got.subarray(end) };
  }
}

function failed(detail: string): Socks5Step {
  return { do: 'fail', fault: 'source', detail };
}

/** "" where it is all zeroes: many proxies do not say. */
function boundAddress(bytes: Buffer): string {
  return bytes.every((byte) => byte === 0) ? '' : ipaddr.fromByteArray([...bytes]).toString();
}
