/**
 * A certificate authority that gives certificates over the network to whoever shows that names are theirs.
 *
 * Contract: `order` settles within `orderMsMax` of the adapter, and at once when `signal` is aborted. Each proof that
 * was shown is hidden again before it settles. It tries once: when to try again is the caller's matter. The account
 * key is the caller's, made and durable before it is used: an order under a key the authority knows already goes by
 * the account it has.
 */

/** What the authority comes to look for. */
export type Proof =
  | {
      readonly kind: 'http-01';
      readonly name: string;
      readonly token: string;
      readonly keyAuthorization: string;
    }
  | {
      readonly kind: 'tls-alpn-01';
      readonly name: string;
      /** PEM of the certificate that is shown for it, and of its key. */
      readonly cert: string;
      readonly key: string;
    };

/** Where proofs are shown to whoever comes. */
export interface ProofBoard {
  show(proof: Proof): void;
  hide(proof: Proof): void;
}

export interface CertificateOrder {
  readonly names: readonly string[];
  readonly challenge: Proof['kind'];
  /** PEM. */
  readonly accountKey: string;
  readonly signal: AbortSignal;
}

export type OrderAnswer =
  | { readonly ok: true; readonly cert: string; readonly key: string }
  | {
      readonly ok: false;
      /** For operators. */
      readonly detail: string;
      /** How long the authority asks us to wait. */
      readonly retryAfterMs?: number;
    };

export interface CertificateAuthority {
  /** A new key of an account, PEM. */
  newAccountKey(): Promise<string>;
  order(order: CertificateOrder, board: ProofBoard): Promise<OrderAnswer>;
}
