/**
 * What happens on a connection when TLS begins: a handshake with the right or a wrong certificate, or none at all.
 *
 * Runs in:   sink.
 * Specs:     RFC 3207 (STARTTLS), RFC 8314 §3.3 (TLS from the first byte), RFC 6066 §3 (the name a client asks for).
 * Limits:    `handshakeMsMax` for a handshake that is none of the faults.
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Certificates } from './certificates.ts';
import { type CertificateKind, certificateKinds, type TlsFault } from './model.ts';

const handshakeMsMax = 30 * secondMs;
/** No record of TLS begins so. */
const garbage = Buffer.from('\x00\xffthis is not TLS\r\n'.repeat(4), 'latin1');

export interface TlsStageOptions {
  readonly certificates: Pick<Certificates, 'of'>;
  readonly kind: CertificateKind;
  /** Of the certificate when a client names no server. */
  readonly hostName: string;
  readonly clock: Clock;
}

/** A name says for itself what is wrong with its certificate: `mx.cert-expired.sink.test`. */
function kindOfName(name: string): CertificateKind | undefined {
  const label = name.split('.').find((each) => each.startsWith('cert-'));
  return certificateKinds.find((kind) => label === `cert-${kind}`);
}

export class TlsStage {
  readonly #options: TlsStageOptions;

  constructor(options: TlsStageOptions) {
    this.#options = options;
  }

  /** Runs the handshake or the fault; `opened` gets the encrypted socket when there is one. */
  begin(socket: Socket, fault: TlsFault | undefined, opened: (socket: TLSSocket) => void): void {
    switch (fault) {
      case 'stall':
        // Read, so that the client's end is seen; never answered.
        socket.resume();
        return;
      case 'reset':
        socket.once('data', () => socket.resetAndDestroy());
        return;
      case 'garbage':
        socket.once('data', () => socket.write(garbage));
        return;
      default:
        void this.#shakeHands(socket, fault === 'old-version', opened);
    }
  }

  async #shakeHands(
    socket: Socket,
    isOld: boolean,
    opened: (socket: TLSSocket) => void,
  ): Promise<void> {
    const { kind, hostName, clock } = this.#options;
    // A key may have to be made first: the client's first bytes wait in the socket meanwhile.
    socket.pause();
    const secureContext = await this.#context(kind, hostName, isOld);
    if (socket.destroyed) return;
    const secured = new TLSSocket(socket, {
      ...{ isServer: true, secureContext },
      SNICallback: (name, done) => {
        this.#context(kindOfName(name) ?? kind, name, isOld).then(
          (context) => done(null, context),
          (error: Error) => done(error),
        );
      },
    });
    const timer = clock.setTimer(handshakeMsMax, () => secured.destroy());
    secured.on('error', () => {});
    secured.once('close', () => timer.cancel());
    secured.once('secure', () => {
      timer.cancel();
      opened(secured);
    });
  }

  async #context(kind: CertificateKind, name: string, isOld: boolean): Promise<SecureContext> {
    const { cert, key } = await this.#options.certificates.of(kind, name);
    return createSecureContext({
      ...{ cert, key },
      // RFC 8996 forbids what clients are tested against here; OpenSSL has it at its lowest level only.
      ...(isOld
        ? { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }
        : {}),
    });
  }
}
