/**
 * From the greeting to the point where mail may be sent: EHLO or HELO, STARTTLS, AUTH.
 *
 * Runs in:   engine threads; pure: it is given replies and says what to do next.
 * Specs:     RFC 5321 §3.1, §3.2, §4.1.1.1; RFC 3207; RFC 4954, RFC 4616 (PLAIN); RFC 8689 §4.2.1 (REQUIRETLS).
 * Invariant: nothing learnt before TLS is believed after it (RFC 3207 §4.2); credentials never go in clear.
 */

import { Buffer } from 'node:buffer';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { Capabilities } from './capabilities.ts';
import { noCapabilities, parseCapabilities } from './capabilities.ts';
import { ownReply } from './message.ts';

/** `opportunistic`: TLS with whoever answers, in clear where there is none. `verified`: with the right name only. */
export type TlsMode = 'off' | 'opportunistic' | 'required' | 'verified';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface HandshakeOptions {
  /** Our name in EHLO. */
  readonly helloName: string;
  readonly tls: TlsMode;
  readonly credentials?: Credentials;
  /** RFC 8689 §4.2.1: the next hop must offer REQUIRETLS, after TLS. */
  readonly needsRequireTls?: boolean;
}

export type HandshakeStep =
  | { readonly do: 'send'; readonly line: string; readonly timeout: 'helloMs' | 'tlsMs' }
  | { readonly do: 'start-tls' }
  | { readonly do: 'ready'; readonly capabilities: Capabilities }
  | { readonly do: 'fail'; readonly reply: Reply; readonly isOurs: boolean };

type Waits = 'greeting' | 'ehlo' | 'helo' | 'starttls' | 'auth';

export class Handshake {
  readonly #options: HandshakeOptions;
  #waits: Waits = 'greeting';
  #isEncrypted = false;
  #isTlsRefused = false;
  #capabilities: Capabilities = noCapabilities;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** TLS was wanted, and the peer does not offer it, or not now. */
  get isTlsRefused(): boolean {
    return this.#isTlsRefused;
  }

  onReply(reply: Reply): HandshakeStep {
    switch (this.#waits) {
      case 'greeting':
        return reply.code === 220 ? this.#hello() : fail(reply);
      case 'ehlo':
        if (reply.code === 250) return this.#onCapabilities(parseCapabilities(reply.text));
        // RFC 5321 §4.1.1.1: a server that does not know EHLO still knows HELO.
        return reply.code >= 500 && !this.#isEncrypted ? this.#send('helo', 'HELO') : fail(reply);
      case 'helo':
        return reply.code === 250 ? this.#onCapabilities(noCapabilities) : fail(reply);
      case 'starttls':
        if (reply.code === 220) return { do: 'start-tls' };
        this.#isTlsRefused = true;
        // RFC 3207 §4: 454 or 501: the client goes on or not, by its policy.
        return this.#options.tls === 'opportunistic'
          ? this.#authenticate(this.#capabilities)
          : fail(reply);
      case 'auth':
        return reply.code === 235 ? this.#ready() : fail(reply);
    }
  }

  onEncrypted(): HandshakeStep {
    this.#isEncrypted = true;
    this.#capabilities = noCapabilities;
    return this.#hello();
  }

  #hello(): HandshakeStep {
    return this.#send('ehlo', 'EHLO');
  }

  #send(waits: Waits, verb: string): HandshakeStep {
    this.#waits = waits;
    return { do: 'send', line: `${verb} ${this.#options.helloName}\r\n`, timeout: 'helloMs' };
  }

  #onCapabilities(capabilities: Capabilities): HandshakeStep {
    // RFC 8689 §3: what is offered in clear is no promise of TLS.
    this.#capabilities = this.#isEncrypted
      ? capabilities
      : { ...capabilities, hasRequireTls: false };
    const { tls, needsRequireTls } = this.#options;
    if (this.#isEncrypted && needsRequireTls === true && !capabilities.hasRequireTls) {
      return failOurs(ownReply(550, '5.7.30', 'Next hop does not offer REQUIRETLS'));
    }
    if (this.#isEncrypted || tls === 'off') return this.#authenticate(capabilities);
    if (capabilities.hasStartTls) {
      this.#waits = 'starttls';
      return { do: 'send', line: 'STARTTLS\r\n', timeout: 'tlsMs' };
    }
    this.#isTlsRefused = true;
    if (tls === 'opportunistic') return this.#authenticate(capabilities);
    const text = 'Next hop does not offer TLS, which is required';
    return failOurs(
      needsRequireTls === true ? ownReply(550, '5.7.10', text) : ownReply(451, '4.7.4', text),
    );
  }

  #authenticate(capabilities: Capabilities): HandshakeStep {
    const { credentials } = this.#options;
    if (credentials === undefined) return this.#ready();
    if (!this.#isEncrypted) {
      return failOurs(ownReply(451, '4.7.4', 'No TLS with the next hop: no password is sent'));
    }
    if (!capabilities.auth.includes('PLAIN')) {
      return failOurs(ownReply(451, '4.7.4', 'Next hop does not offer AUTH PLAIN'));
    }
    this.#waits = 'auth';
    const plain = Buffer.from(`\0${credentials.user}\0${credentials.password}`).toString('base64');
    return { do: 'send', line: `AUTH PLAIN ${plain}\r\n`, timeout: 'helloMs' };
  }

  #ready(): HandshakeStep {
    return { do: 'ready', capabilities: this.#capabilities };
  }
}

function fail(reply: Reply): HandshakeStep {
  return { do: 'fail', reply, isOurs: false };
}

function failOurs(reply: Reply): HandshakeStep {
  return { do: 'fail', reply, isOurs: true };
}
