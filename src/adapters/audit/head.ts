/**
 * Heads of an audit log, and the keys that sign them, as lines of JSON: what is kept beside the log, and sent out.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 8032 (Ed25519), RFC 8410 §7 (a private key's octets).
 * Invariant: a signature is of a domain's name, a NUL, and the line without its signatures, so none can be passed off
 *            as one of another kind of line. A key after the first is signed by the one before it, and signs itself.
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

export interface AuditHead {
  readonly kind: 'head';
  /** The log's id. */
  readonly log: string;
  readonly sequence: number;
  readonly hash: string;
  readonly at: string;
  /** Fingerprint of the key that signs. */
  readonly key: string;
  readonly signature: string;
}

export interface AuditKey {
  readonly kind: 'key';
  readonly log: string;
  readonly key: string;
  /** 32 octets in base64. */
  readonly public: string;
  readonly at: string;
  /** Fingerprint of the key it comes after; absent: it is the log's first. */
  readonly after?: string;
  /** By this key. */
  readonly proof: string;
  /** By the one before. */
  readonly signature?: string;
}

export type HeadLine = AuditHead | AuditKey;

export const seedBytes = 32;
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const fingerprintLength = 32;

/** Signs heads of one log. */
export class HeadKey {
  /** Secret. */
  readonly seed: Uint8Array;
  readonly #private: KeyObject;
  /** In base64. */
  readonly public: string;
  readonly fingerprint: string;

  /** `seed` is secret, and all there is to the key. */
  constructor(seed: Uint8Array) {
    this.seed = seed;
    const der = Buffer.concat([privatePrefix, seed]);
    this.#private = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(this.#private).export({ format: 'der', type: 'spki' });
    this.public = spki.subarray(publicPrefix.length).toString('base64');
    this.fingerprint = fingerprintOf(this.public);
  }

  signHead(facts: { log: string; sequence: number; hash: string; atMs: number }): AuditHead {
    const { log, sequence, hash, atMs } = facts;
    const at = new Date(atMs).toISOString();
    const head = { kind: 'head', log, sequence, hash, at, key: this.fingerprint } as const;
    return { ...head, signature: this.#sign('head', headText(head)) };
  }

  /** This key's own line; `before` is the key it comes after. */
  introduce(log: string, atMs: number, before?: HeadKey): AuditKey {
    const key: Omit<AuditKey, 'proof'> = {
      ...{ kind: 'key', log, key: this.fingerprint, public: this.public },
      at: new Date(atMs).toISOString(),
      ...(before === undefined ? {} : { after: before.fingerprint }),
    };
    const text = keyText(key);
    const proof = this.#sign('key', text);
    if (before === undefined) return { ...key, proof };
    return { ...key, proof, signature: before.#sign('key', text) };
  }

  #sign(domain: 'head' | 'key', text: string): string {
    return sign(null, signed(domain, text), this.#private).toString('base64');
  }
}

export function isHeadSigned(head: AuditHead, publicText: string): boolean {
  return isSigned('head', headText(head), head.signature, publicText);
}

/** Fields in one order, whatever a receiver made of the line. */
function headText({ kind, log, sequence, hash, at, key }: Omit<AuditHead, 'signature'>): string {
  return JSON.stringify({ kind, log, sequence, hash, at, key });
}

function keyText({ kind, log, key, public: text, at, after }: Omit<AuditKey, 'proof'>): string {
  return JSON.stringify({ kind, log, key, public: text, at, after });
}

/** Its name is of its public key, and its private half was there. */
export function isKeyWhole(line: AuditKey): boolean {
  if (fingerprintOf(line.public) !== line.key) return false;
  return isSigned('key', keyText(line), line.proof, line.public);
}

/** Whole, and signed by the one before, whose public key is `before`. */
export function isKeyNext(line: AuditKey, before: string | undefined): boolean {
  if (before === undefined || !isKeyWhole(line)) return false;
  return isSigned('key', keyText(line), line.signature ?? '', before);
}

/** A head or key, wherever in the line it begins: receivers of syslog put their own words before it. */
export function readHeadLine(line: string): HeadLine | undefined {
  const at = line.search(/\{"kind":"(?:head|key)"/);
  if (at < 0) return undefined;
  try {
    const found = JSON.parse(line.slice(at)) as Record<string, unknown>;
    return isWhole(found) ? (found as unknown as HeadLine) : undefined;
  } catch {
    return undefined;
  }
}

function isWhole(found: Record<string, unknown>): boolean {
  const areTexts = (...names: string[]) => names.every((name) => typeof found[name] === 'string');
  if (!areTexts('log', 'key', 'at')) return false;
  if (found.kind === 'head') {
    return areTexts('hash', 'signature') && Number.isSafeInteger(found.sequence);
  }
  const isFirst = found.after === undefined;
  return areTexts('public', 'proof') && (isFirst || areTexts('after', 'signature'));
}

function fingerprintOf(publicText: string): string {
  const bytes = Buffer.from(publicText, 'base64');
  return createHash('sha256').update(bytes).digest('hex').slice(0, fingerprintLength);
}

function isSigned(domain: 'head' | 'key', text: string, signature: string, publicText: string) {
  const bytes = Buffer.from(publicText, 'base64');
  if (bytes.length !== seedBytes) return false;
  const der = Buffer.concat([publicPrefix, bytes]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, signed(domain, text), key, Buffer.from(signature, 'base64'));
}

function signed(domain: 'head' | 'key', text: string): Buffer {
  return Buffer.from(`chaski-audit-${domain}-v1\0${text}`);
}
