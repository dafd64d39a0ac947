/**
 * Opens a path's connections: goes through its hosts until one takes us.
 *
 * Runs in: engine threads; one per path.
 * Specs:   RFC 5321 §5.1 (order of hosts), RFC 7435 §3 (opportunistic TLS).
 * Limits:  a host is dialled at most four times an attempt: with TLS and in clear, and each once more behind a proxy
 *          that may be what ended the connection.
 */

import type { SiteLease } from '../../actors/site-lease.ts';
import { DialError } from '../../ports/dialer.ts';
import type { HandshakeOptions } from './handshake.ts';
import type { Departure } from './message.ts';
import type { SessionOwner } from './session.ts';
import { Session } from './session.ts';
import type { SiteShaping } from './shaping/site-shaping.ts';
import { dialEnd, isForGood, noConnectionReply, noFamilyReply } from './site-ends.ts';
import type { SiteHosts, Target } from './site-hosts.ts';
import type { SiteOptions } from './site-options.ts';
import { localAddressFor } from './sources/source.ts';
import type { SessionEnd } from './transfer.ts';

export interface SiteDialOwner extends SessionOwner {
  /** No further host is to be tried. */
  readonly isClosed: boolean;
  /** A connection stands; resolves to undefined once it is ready for mail, or to how it ended before. */
  onOpen(session: Session): Promise<SessionEnd | undefined>;
}

export interface SiteDialOptions {
  readonly owner: SiteDialOwner;
  readonly site: SiteOptions;
  readonly shaping: SiteShaping;
  readonly departure: Departure;
  readonly lease: SiteLease;
}

/** No host took us. */
export interface DialFailure {
  /** Of the last one. */
  readonly end: SessionEnd;
  readonly isForGood: boolean;
  /** By the source alone: mail may leave by another. */
  readonly isSource: boolean;
}

export class SiteDial {
  readonly #options: SiteDialOptions;

  constructor(options: SiteDialOptions) {
    this.#options = options;
  }

  /** Undefined when a session is ready for mail. */
  async toFirst(hosts: SiteHosts): Promise<DialFailure | undefined> {
    const { owner, site } = this.#options;
    const { clock, limits, source } = site;
    let end: SessionEnd = {
      reply: hosts.count === 0 ? noFamilyReply(source) : noConnectionReply,
      ...{ isOurs: true, tls: false },
    };
    let isFinal = true;
    let isSource = hosts.count > 0;
    const hasProxy = source.proxy !== undefined;
    for (const target of hosts.inOrder(clock.monotonicMs())) {
      if (owner.isClosed) break;
      const result = await this.#tryHost(hosts, target);
      if (result === undefined) return undefined;
      isFinal &&= isForGood(result);
      isSource &&= result.isSource === true;
      end = result;
      // A proxy that is down is so for all hosts, and was what ended connections to those before; of addresses, that of
      // another family may do.
      if (hasProxy && result.isSource === true) return { end, isForGood: false, isSource: true };
      hosts.failed(target, clock.monotonicMs() + limits.deadMsMin);
    }
    return {
      end,
      isForGood: isFinal && isForGood(end),
      isSource: isSource && end.isSource === true,
    };
  }

  /** Undefined when a session is ready over this host, with TLS or, where that fails and may, in clear. */
  async #tryHost(hosts: SiteHosts, target: Target): Promise<SessionEnd | undefined> {
    const { coarse, handshake } = this.#options.site;
    const { tls } = target;
    if ((tls?.mode ?? handshake.tls) !== 'opportunistic') {
      return this.#try(target, { ...handshake, ...(tls === undefined ? {} : { tls: tls.mode }) });
    }
    const inClear: HandshakeOptions = { ...handshake, tls: 'off' };
    if (hosts.isTlsBroken(target, coarse.nowMs)) return this.#try(target, inClear);
    const end = await this.#try(target, handshake);
    if (end?.tls !== true) return end;
    // Opportunistic means that clear text beats no mail (RFC 7435 §3).
    hosts.tlsFailed(target, coarse.nowMs);
    return this.#try(target, inClear);
  }

  /** Behind a proxy an end without a word may be the proxy's as well as the host's: dialling once more tells. */
  async #try(target: Target, handshake: HandshakeOptions): Promise<SessionEnd | undefined> {
    const end = await this.#tryOnce(target, handshake);
    const mayBeProxy = end?.isLost === true && this.#options.site.source.proxy !== undefined;
    return mayBeProxy && !this.#options.owner.isClosed ? this.#tryOnce(target, handshake) : end;
  }

  async #tryOnce(target: Target, handshake: HandshakeOptions): Promise<SessionEnd | undefined> {
    const { owner, site, shaping, departure, lease } = this.#options;
    const { source, timeouts, clock, coarse, dialer, tls } = site;
    const dane = target.tls?.dane;
    const { helloName = handshake.helloName } = source;
    const session = new Session(owner, {
      ...{ host: target.host, address: target.address, handshake: { ...handshake, helloName } },
      departure,
      ...(dane === undefined ? {} : { dane }),
      ...{ clock, timeouts, limits: shaping.sessionLimits, coarse, tls },
    });
    await new Promise<void>((granted) => lease.dial(granted, target.host));
    try {
      const { address, port } = target;
      const localAddress = localAddressFor(source, address);
      const from = {
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(source.proxy === undefined ? {} : { proxy: source.proxy }),
      };
      const connection = await dialer.dial(
        { address, port, ...from, timeoutMs: timeouts.connectMs },
        session,
      );
      session.attach(connection);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      lease.undial(target.host);
      return dialEnd(target, source, error);
    }
    return owner.onOpen(session);
  }
}
