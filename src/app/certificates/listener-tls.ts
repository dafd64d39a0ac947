/**
 * TLS as each listener offers it: the certificates all of them have, and a question for the client's where log-in
 * takes one.
 *
 * Runs in:   main thread.
 * Invariant: what is loaded is taken whole or not at all.
 */

import {
  contextsOf,
  ReloadableTls,
  type TlsMaterial,
  type TlsSource,
} from '../../edge/listeners/tls.ts';

export class ListenerTls {
  readonly #plain = new ReloadableTls();
  readonly #asking = new ReloadableTls();
  #askers: ReadonlySet<string> = new Set();

  /** Follows what is loaded later. */
  of(listener: string): TlsSource {
    const current = () => (this.#askers.has(listener) ? this.#asking : this.#plain);
    return {
      get context() {
        return current().context;
      },
      get asksForCertificate() {
        return current().asksForCertificate;
      },
      get choose() {
        return current().choose;
      },
    };
  }

  /** `askers`: listeners that ask clients for certificates of `clientCa`. Throws what OpenSSL says of bad ones. */
  load({ clientCa, clientCrl, ...material }: TlsMaterial, askers: readonly string[]): void {
    const plain = contextsOf(material);
    const revoked = clientCrl === undefined ? {} : { clientCrl };
    const asking =
      clientCa === undefined ? undefined : contextsOf({ ...material, clientCa, ...revoked });
    this.#plain.use(plain);
    this.#asking.use(asking ?? plain);
    this.#askers = new Set(asking === undefined ? [] : askers);
  }
}
