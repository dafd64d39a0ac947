/** What fuzz tests of sessions share: commands out of transcripts, octets changed in them, what a session writes. */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import type { SessionTransport } from '../../src/edge/protocols/session/transport.ts';
import type { SeededRandom } from './seeded-clock.ts';
import { readTranscripts } from './transcript.ts';

/** All that clients send in the transcripts of a protocol, but for what matches `except`. */
export function commandsSaid(protocol: 'imap' | 'pop3', except: RegExp): readonly Buffer[] {
  const folder = new URL(`../sessions/${protocol}/`, import.meta.url).pathname;
  return globSync(`${folder}*.session`)
    .sort()
    .flatMap((path) => readTranscripts(path))
    .flatMap(({ steps }) => steps.flatMap((step) => (step.kind === 'send' ? [step.octets] : [])))
    .filter((octets) => !except.test(octets.toString('latin1')));
}

/** A copy with up to three octets changed, often to a `special` one, and now and then cut short. */
export function changed(octets: Buffer, random: SeededRandom, special: readonly number[]): Buffer {
  const copy = Buffer.from(octets);
  const count = random.below(4);
  for (let i = 0; i < count && copy.length > 0; i++) {
    const octet =
      random.below(2) === 0 ? special[random.below(special.length)]! : random.below(256);
    copy[random.below(copy.length)] = octet;
  }
  return random.below(10) === 0 ? copy.subarray(0, random.below(copy.length + 1)) : copy;
}

export class Recorder implements SessionTransport {
  octets = Buffer.alloc(0);
  isEnded = false;
  readonly canStartTls = false;
  readonly unsentBytes = 0;

  write(bytes: Uint8Array): void {
    this.octets = Buffer.concat([this.octets, bytes]);
  }

  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.write(bytes);
    this.isEnded = true;
  }

  destroy(): void {}
  pause(): void {}
  resume(): void {}

  startTls(): void {
    assert.fail('no TLS here');
  }
}
