/**
 * What we have of a certificate authority, on disk: the account's key, certificates with their keys, and how the last
 * tries went. A folder for each directory: what one authority gave says nothing about another.
 *
 * Runs in:   main thread.
 * Limits:    `bytesMax` of a file.
 * Invariant: a file is written and synced under another name first, and certificate and key are one file: a kill leaves
 *            the former pair or the new one, never half of each. The account's key is durable before it is used, and a
 *            try before it is made: a server that is killed over and over does not order over and over.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ifThere, readSmall, writeSmall } from '../../adapters/files/small-file.ts';
import { utf8, view } from '../../base/bytes.ts';
import type { Log } from '../../base/log.ts';
import type { Disk } from '../../ports/disk.ts';
import { type HeldPair, readPair } from './held-pair.ts';

const bytesMax = 1_048_576;
const keyPattern =
  /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----[^-]+-----END (?:EC |RSA )?PRIVATE KEY-----\n?/;

const triesSchema = Compile(
  Type.Object({
    names: Type.Array(Type.String()),
    failureCount: Type.Integer({ minimum: 1 }),
    nextMs: Type.Number(),
    isAsked: Type.Boolean(),
    detail: Type.String(),
    replaces: Type.String(),
  }),
);

/** Of a certificate whose last order failed, or is under way. */
export interface Tries {
  /** For which names: others begin anew. */
  readonly names: readonly string[];
  readonly failureCount: number;
  /** Not before. */
  readonly nextMs: number;
  /** The authority asked for it: no operator may go before. */
  readonly isAsked: boolean;
  readonly detail: string;
  /** Fingerprint of the certificate there was then; "": none. A newer one has come since: the tries are over. */
  readonly replaces: string;
}

export class AcmeFiles {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Log;

  constructor(disk: Disk, tlsFolder: string, directory: string, log: Log) {
    const hash = createHash('sha256').update(directory).digest('hex').slice(0, 16);
    this.#disk = disk;
    this.#folder = join(tlsFolder, 'acme', hash);
    this.#log = log;
  }

  /** Makes the account's key where there is none. */
  async accountKey(make: () => Promise<string>): Promise<string> {
    const known = await this.#read('account.key');
    if (known !== undefined && keyPattern.test(known)) return known;
    const key = await make();
    await this.#write('account.key', key);
    return key;
  }

  /** Undefined: there is none, or none that is whole. */
  async pair(name: string): Promise<HeldPair | undefined> {
    const text = await this.#read(`${name}.pem`);
    if (text === undefined) return undefined;
    const key = keyPattern.exec(text)?.[0] ?? '';
    try {
      return readPair({ cert: text.replace(key, ''), key });
    } catch (error) {
      const detail = (error as Error).message;
      this.#log.error(
        { certificate: name, detail },
        'a kept certificate is no good: it is ordered anew',
      );
      return undefined;
    }
  }

  async keepPair(name: string, { cert, key }: HeldPair): Promise<void> {
    await this.#write(`${name}.pem`, `${key.trimEnd()}\n${cert.trimEnd()}\n`);
  }

  async tries(name: string): Promise<Tries | undefined> {
    const text = await this.#read(`${name}.tries`);
    try {
      const tries: unknown = text === undefined ? undefined : JSON.parse(text);
      return triesSchema.Check(tries) ? tries : undefined;
    } catch {
      return undefined;
    }
  }

  async keepTries(name: string, tries: Tries): Promise<void> {
    await this.#write(`${name}.tries`, `${JSON.stringify(tries)}\n`);
  }

  async forgetTries(name: string): Promise<void> {
    await this.#remove(`${name}.tries`);
  }

  async #read(name: string): Promise<string | undefined> {
    const bytes = await readSmall(this.#disk, join(this.#folder, name), bytesMax);
    return bytes === undefined ? undefined : view(bytes).toString('utf8');
  }

  async #write(name: string, text: string): Promise<void> {
    await this.#disk.makeFolder(this.#folder);
    await writeSmall(this.#disk, join(this.#folder, name), utf8(text));
  }

  async #remove(name: string): Promise<void> {
    await ifThere(() => this.#disk.remove(join(this.#folder, name)));
  }
}
