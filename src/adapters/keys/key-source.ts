/**
 * Tenant keys from a file, from the environment, or from a command that stands for a key service.
 *
 * Runs in:   engine threads.
 * Limits:    a file or a variable of `keyTextBytesMax`; a command has `commandMsMax` and answers `answerBytesMax`.
 * Invariant: no byte of a key is written anywhere or logged.
 */

import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { kibibyte } from '../../base/units.ts';
import { type KeySource, KeySourceError, wrappedBytesMax } from '../../ports/key-source.ts';
import { keyReference, keyReferenceFault } from '../../settings/key-references.ts';
import { keysIn, unwrapWith, wrapWith } from './wrapping.ts';

const keyTextBytesMax = 16 * kibibyte;
const commandMsMax = 10_000;
const answerBytesMax = 4 * kibibyte;
const secretBytesMax = 64;

export type KeyVariables = Readonly<Record<string, string>>;

export function createKeySource(variables: KeyVariables): KeySource {
  const keysOf = async (reference: string) => keysIn(await textOf(reference, variables), reference);
  return {
    async wrap(reference, context, secret) {
      const { kind, rest } = checked(reference);
      const wrapped =
        kind === 'command'
          ? await ask(rest, 'wrap', context, secret)
          : wrapWith(await keysOf(reference), context, secret);
      if (wrapped.byteLength <= wrappedBytesMax) return wrapped;
      throw new KeySourceError(`${reference}: a wrapped key of ${wrapped.byteLength} bytes`);
    },
    async unwrap(reference, context, wrapped) {
      const { kind, rest } = checked(reference);
      const secret =
        kind === 'command'
          ? await ask(rest, 'unwrap', context, wrapped)
          : unwrapWith(await keysOf(reference), context, wrapped);
      if (secret.byteLength <= secretBytesMax) return secret;
      throw new KeySourceError(`${reference}: a key of ${secret.byteLength} bytes`);
    },
  };
}

function checked(reference: string): ReturnType<typeof keyReference> {
  const fault = keyReferenceFault(reference);
  if (fault !== undefined) throw new KeySourceError(`${reference}: ${fault}`);
  return keyReference(reference);
}

async function textOf(reference: string, variables: KeyVariables): Promise<string> {
  const { kind, rest } = keyReference(reference);
  if (kind === 'env') {
    const text = variables[rest];
    if (text === undefined) throw new KeySourceError(`${reference}: not set`);
    // A variable is one line: commas stand for the ends of lines.
    return text.replaceAll(',', '\n');
  }
  try {
    const file = await open(rest, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(keyTextBytesMax), 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new KeySourceError(`${reference}: ${(error as Error).message}`, { cause: error });
  }
}

/** `PATH wrap|unwrap CONTEXT`, Base64 in and out. */
function ask(path: string, verb: string, context: string, bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: commandMsMax,
      maxBuffer: answerBytesMax,
      killSignal: 'SIGKILL',
    } as const;
    const child = execFile(path, [verb, context], options, (error, out) => {
      const answer = out.trim();
      const isGood = error === null && /^[0-9A-Za-z+/]+={0,2}$/.test(answer);
      if (isGood) resolve(Buffer.from(answer, 'base64'));
      else reject(new KeySourceError(`command:${path} ${verb}: ${error?.message ?? 'no Base64'}`));
    });
    // One that ends without reading tells by its status.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${Buffer.from(bytes).toString('base64')}\n`);
  });
}
