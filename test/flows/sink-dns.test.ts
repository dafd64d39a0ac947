/**
 * Aim: the relay delivers, defers or bounces as the DNS and the certificates of a domain ask for.
 * Method: the real server on a sink that is its name server and its next hop at once; bounces go to the sink, too.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import nodemailer from 'nodemailer';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { FaultSource } from '../../src/harness/sink/fault-source.ts';
import { SinkRig } from '../../src/harness/sink/rig.ts';
import { sinkModels } from '../../src/harness/sink/shipped-models.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const anyPort = { host: '127.0.0.1', port: 0 };

function startSink(): SinkRig {
  return new SinkRig({
    ...{ listen: [anyPort], listenTls: [], hostName: 'sink.test', lmtp: false, chunking: true },
    ...{ auth: false, starttls: true, certificate: 'valid', tlsFolder: undefined },
    faults: new FaultSource(sinkModels.fast!, new SeededRandom(1), () => nodeClock.monotonicMs()),
    ...{ clock: nodeClock, ledger: undefined, onMessage: () => {} },
    dns: { listen: anyPort, address: undefined, policies: undefined, model: {} },
    capture: {
      ...{ http: anyPort, folder: undefined, countMax: 1_000, bytesMax: 100_000_000 },
      ...{ names: [], probesLinks: false },
    },
  });
}

const expected = {
  delivered: [
    'ok',
    'no-mx',
    'truncated',
    'cert-expired',
    'dane-right',
    'dane-insecure',
    'sts-enforce',
  ],
  bounced: ['null-mx', 'nxdomain', 'nowhere'],
  deferred: ['servfail', 'refused', 'timeout', 'alias-loop', 'dane-servfail'],
  // RFC 7672 §2.2: never in clear, and never to whoever has another key.
  untrusted: ['dane-wrong'],
} as const;

it('delivers to domains that are well, bounces what cannot be, and waits for the rest', async () => {
  const sink = startSink();
  const { ready, dns, http } = await sink.start();
  try {
    await using test = await startTestServer({
      'dns.servers': `127.0.0.1:${dns!.port}`,
      // Of those that are well each answer comes within it, on a busy machine too: what waits comes after the test.
      'dns.timeoutMs': '2s',
      'relay.mxPort': String(ready[0]!.port),
      'relay.privateTargets': 'true',
    });
    const transport = nodemailer.createTransport({
      ...{ host: '127.0.0.1', port: test.ports.smtp!, ignoreTLS: true },
    });
    const from = 'sender@ok.sink.test';
    for (const variant of Object.values(expected).flat()) {
      const to = `${variant}@${variant}.sink.test`;
      await transport.sendMail({ from, to, subject: `to ${variant}`, text: 'hello' });
    }
    const captured = async (query: string) => {
      const answer = await fetch(`http://127.0.0.1:${http!.port}/api/v1/wait?timeout=60&${query}`);
      assert.equal(answer.status, 200, query);
      return (await answer.json()) as { isEncrypted: boolean };
    };
    for (const variant of expected.delivered) {
      const { isEncrypted } = await captured(`to=${variant}@${variant}.sink.test&subject=to`);
      assert.equal(isEncrypted, true, `${variant} was offered STARTTLS`);
    }
    for (const variant of expected.bounced) {
      await captured(`to=sender@ok.sink.test&text=${variant}@${variant}.sink.test`);
    }
    for (const variant of [...expected.deferred, ...expected.untrusted]) {
      const isUntrusted = (expected.untrusted as readonly string[]).includes(variant);
      const domain = `${variant}.sink.test`;
      const reply = await eventually(`${domain} deferred`, async () => {
        const { entries } = await test.call('queue.list', { domain, limit: 10 });
        const reply = entries[0]?.recipients[0]?.lastReply ?? '';
        return reply === '' ? undefined : reply;
      });
      assert.match(reply, isUntrusted ? /4\.7\.5.*DANE/ : /4\.4\.3/, variant);
    }
  } finally {
    await sink.stop();
  }
});
