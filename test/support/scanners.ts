/** Scanners and what they are shown, for tests. */

import { Buffer } from 'node:buffer';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { openScanners } from '../../src/adapters/scanning/open-scanners.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { ownScanners } from '../../src/mail/trust/own-scanners.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { ContentScanner, ScanSubject } from '../../src/ports/content-scanner.ts';
import type { Dns } from '../../src/ports/dns.ts';
import type { ScannerSetting } from '../../src/settings/scanners.ts';
import { defaultSettings } from './default-settings.ts';

export function scannerSetting(given: Partial<ScannerSetting>): ScannerSetting {
  return {
    ...{ name: 'test', kind: 'clamd', address: '127.0.0.1:1', when: 'untrusted', fail: 'open' },
    ...{
      discard: 'refuse',
      infected: 'refuse',
      bytesMax: 1_048_576,
      oversize: 'head',
      msMax: 5_000,
      connectMsMax: 1_000,
    },
    ...{ connectionsMax: 4, secretFile: '', user: '', points: 5, stages: ['data'] },
    ...given,
  };
}

const silentDns: Pick<Dns, 'a'> = {
  a: async () => ({ ok: false, reason: 'missing', detail: '' }),
};

export interface TestScanner extends AsyncDisposable {
  readonly scanner: ContentScanner;
  readonly metrics: Metrics;
}

export function openScanner(
  given: Partial<ScannerSetting>,
  clock: Clock = nodeClock,
  { attachments, spam }: Pick<typeof defaultSettings, 'attachments' | 'spam'> = defaultSettings,
  dns: Pick<Dns, 'a'> = silentDns,
): TestScanner {
  const metrics = new Metrics();
  const [opened] = openScanners(
    { scanners: { list: [scannerSetting(given)] }, attachments, spam },
    { clock, metrics, dns, ...ownScanners },
  );
  const { scanner } = opened!;
  return { scanner, metrics, [Symbol.asyncDispose]: () => scanner.close() };
}

export function subjectOf(message: string | Buffer, given: Partial<ScanSubject> = {}): ScanSubject {
  const bytes = Buffer.from(message as string, 'latin1');
  return {
    ...{ message: bytes, wholeBytes: bytes.length, queueId: 'q1', peerAddress: '192.0.2.7' },
    ...{ peerPort: 4_321, helo: 'mx.example.net', sender: 'ann@example.net', user: '' },
    ...{
      recipients: ['bob@example.org'],
      hostname: 'mail.example.org',
      receivedMs: 1_700_000_000_000,
    },
    ...given,
  };
}

export function plainMessage(body = 'Hello.\r\n', subject = 'Test'): string {
  const head =
    'From: ann@example.net\r\nTo: bob@example.org\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n';
  return `${head}Message-ID: <1@example.net>\r\nSubject: ${subject}\r\n\r\n${body}`;
}
