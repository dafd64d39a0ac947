/**
 * The contract of content scanners, run against each.
 *
 * Aim:    a scanner tells good from bad, ends in time whatever the other side does, and what is no verdict is `failed`
 *         and never `clean`.
 * Specs:  those of the adapter's protocol.
 * Method: a scripted server in this process plays the other side, honest and hostile.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { failuresMax, pauseMsFirst } from '../../src/adapters/scanning/circuit-breaker.ts';
import { waitingPerConnection } from '../../src/adapters/scanning/guarded-scanner.ts';
import type { ScanVerdict } from '../../src/ports/content-scanner.ts';
import type { PeerKind, ScannerSetting } from '../../src/settings/scanners.ts';
import { badMark, type Play, ScanPeer } from '../support/scan-peer.ts';
import { openScanner, plainMessage, subjectOf } from '../support/scanners.ts';

const bad = plainMessage(`${badMark}\r\n`);

async function world(kind: PeerKind, given: Partial<ScannerSetting> = {}) {
  const peer = await ScanPeer.start(kind);
  const opened = openScanner({ kind, address: peer.address, ...given });
  return {
    ...{ peer, scanner: opened.scanner, metrics: opened.metrics },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}

function faultOf(verdict: ScanVerdict): string {
  return verdict.kind === 'failed' ? verdict.fault : `no fault: ${verdict.kind}`;
}

export interface ScannerExpected {
  readonly kind: PeerKind;
  isGood(verdict: ScanVerdict): boolean;
  isFound(verdict: ScanVerdict): boolean;
}

export function contentScannerContract({ kind, isGood, isFound }: ScannerExpected): void {
  describe(`a content scanner: ${kind}`, () => {
    it('tells good from bad, and how long it took', async () => {
      await using at = await world(kind);
      const good = await at.scanner.scan(subjectOf(plainMessage()));
      assert.ok(isGood(good), JSON.stringify(good));
      assert.ok(good.ms >= 0 && good.ms < 5_000);
      assert.equal(good.scannedBytes, plainMessage().length);
      const found = await at.scanner.scan(subjectOf(bad));
      assert.ok(isFound(found), JSON.stringify(found));
    });

    it('finds what is in the last bytes of a large message', async () => {
      await using at = await world(kind);
      const message = plainMessage(`${`${'a'.repeat(76)}\r\n`.repeat(9_000)}${badMark}\r\n`);
      const found = await at.scanner.scan(subjectOf(message));
      assert.ok(isFound(found), JSON.stringify(found));
      assert.equal(found.scannedBytes, message.length);
    });

    it('takes an empty message, one without a body and one without a header', async () => {
      await using at = await world(kind);
      for (const message of ['', 'Subject: x\r\n', '\r\nbody\r\n', 'no header at all\r\n']) {
        const verdict = await at.scanner.scan(subjectOf(message));
        assert.ok(isGood(verdict), JSON.stringify([message, verdict]));
      }
    });

    it('shows the beginning of a message that is too large, or nothing', async () => {
      const bytesMax = 20_000;
      const large = plainMessage(`${'a'.repeat(bytesMax)}${badMark}\r\n`);
      await using head = await world(kind, { bytesMax });
      const seen = await head.scanner.scan(subjectOf(large));
      assert.ok(isGood(seen), JSON.stringify(seen));
      assert.equal(seen.scannedBytes, bytesMax);
      await using none = await world(kind, { bytesMax, oversize: 'skip' });
      const skipped = await none.scanner.scan(subjectOf(large));
      assert.equal(skipped.kind, 'skipped');
      assert.equal(skipped.scannedBytes, 0);
      assert.equal(none.peer.heard.length, 0);
      const atLimit = plainMessage('').padEnd(bytesMax, 'a');
      const whole = await none.scanner.scan(subjectOf(atLimit));
      assert.ok(isGood(whole), JSON.stringify(whole));
      assert.equal(whole.scannedBytes, bytesMax);
    });

    const hostile: Readonly<Record<Exclude<Play, 'honest'>, readonly string[]>> = {
      silent: ['timed-out'],
      closing: ['broken'],
      garbage: ['broken'],
      half: ['broken'],
      endless: ['broken'],
      drip: ['timed-out'],
    };
    for (const [play, faults] of Object.entries(hostile)) {
      it(`fails in time when the other side is ${play}, with nothing learnt`, async () => {
        // These two take all the time there is, each time; the others are told before.
        const msMax = play === 'silent' || play === 'drip' ? 150 : 20_000;
        await using at = await world(kind, { msMax });
        at.peer.play = play as Play;
        for (const message of [plainMessage(), bad]) {
          const verdict = await at.scanner.scan(subjectOf(message));
          assert.ok(faults.includes(faultOf(verdict)), JSON.stringify(verdict));
          assert.equal(verdict.scannedBytes, 0);
          assert.ok(verdict.ms < 15_000, `${verdict.ms} ms`);
        }
        const checked = await at.scanner.check();
        assert.equal(checked.ok, false);
        // Nothing of it stays open.
        for (let left = 100; at.peer.connectionCount > 0 && left > 0; left--) await delay(20);
        assert.equal(at.peer.connectionCount, 0);
      });
    }

    it('is unreachable where nobody listens, and leaves that alone after a while', async () => {
      const peer = await ScanPeer.start(kind);
      const { address } = peer;
      await peer[Symbol.asyncDispose]();
      await using at = openScanner({ kind, address });
      const faults: string[] = [];
      for (let n = 0; n < failuresMax + 2; n++)
        faults.push(faultOf(await at.scanner.scan(subjectOf(bad))));
      const expected = [...Array(failuresMax).fill('unreachable'), 'circuit-open', 'circuit-open'];
      assert.deepEqual(faults, expected);
    });

    it('finds again what came back, after the pause', async () => {
      await using at = await world(kind);
      at.peer.play = 'closing';
      for (let n = 0; n < failuresMax; n++) await at.scanner.scan(subjectOf(bad));
      at.peer.play = 'honest';
      assert.equal(faultOf(await at.scanner.scan(subjectOf(bad))), 'circuit-open');
      await delay(pauseMsFirst + 50);
      assert.ok(isFound(await at.scanner.scan(subjectOf(bad))));
      assert.ok(isFound(await at.scanner.scan(subjectOf(bad))));
    });

    it('makes no more connections than it may, and lets no more wait', async () => {
      await using at = await world(kind, { connectionsMax: 2, msMax: 400 });
      at.peer.play = 'silent';
      const waiting = 2 * waitingPerConnection;
      const scans = Array.from({ length: 2 + waiting + 1 }, () => at.scanner.scan(subjectOf(bad)));
      const verdicts = await Promise.all(scans);
      assert.equal(faultOf(verdicts.at(-1)!), 'busy');
      assert.ok(verdicts.at(-1)!.ms < 300);
      // One that was ended here may be open there for a moment.
      assert.ok(at.peer.connectionsMost <= 4, `${at.peer.connectionsMost} connections`);
      assert.ok(verdicts.every(({ ms }) => ms < 2_000));
    });

    it('answers many at once over few connections', async () => {
      await using at = await world(kind, { connectionsMax: 3 });
      const messages = Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? bad : plainMessage()));
      const verdicts = await Promise.all(messages.map((each) => at.scanner.scan(subjectOf(each))));
      for (const [n, verdict] of verdicts.entries())
        assert.ok(n % 2 === 0 ? isFound(verdict) : isGood(verdict), JSON.stringify(verdict));
      assert.ok(at.peer.connectionsMost <= 6, `${at.peer.connectionsMost} connections`);
    });

    it('says what it is', async () => {
      await using at = await world(kind);
      const checked = await at.scanner.check();
      assert.ok(checked.ok && checked.version !== '', JSON.stringify(checked));
    });

    it('fails what is under way when it is closed, and all that comes after', async () => {
      await using at = await world(kind);
      at.peer.play = 'silent';
      const under = at.scanner.scan(subjectOf(bad));
      await delay(50);
      await at.scanner.close();
      assert.equal(faultOf(await under), 'closed');
      assert.equal(faultOf(await at.scanner.scan(subjectOf(bad))), 'closed');
    });

    it('counts verdicts, bytes and time', async () => {
      await using at = await world(kind);
      await at.scanner.scan(subjectOf(plainMessage()));
      const text = JSON.stringify(at.metrics.rows());
      for (const name of ['chaski_scans_total', 'chaski_scan_seconds', 'chaski_scan_bytes_total'])
        assert.ok(text.includes(name), name);
      assert.match(text, /"state":"closed"\},"value":1/);
    });

    it('puts nothing of an envelope into lines or packets of their own', async () => {
      await using at = await world(kind);
      const nasty = 'a\r\nX-Evil: yes\r\n\0b';
      const verdict = await at.scanner.scan(
        subjectOf(plainMessage(), { helo: nasty, sender: nasty, recipients: [nasty], user: nasty }),
      );
      assert.ok(isGood(verdict), JSON.stringify(verdict));
      assert.ok(!Buffer.concat(at.peer.heard).includes('\r\nX-Evil'));
    });

    if (kind !== 'http') {
      it('is reached by a path, too', async () => {
        const folder = mkdtempSync(join(tmpdir(), 'scan-'));
        try {
          await using peer = await ScanPeer.start(kind, { path: join(folder, 's') });
          await using at = openScanner({ kind, address: peer.address });
          assert.ok(isFound(await at.scanner.scan(subjectOf(bad))));
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    }
  });
}
