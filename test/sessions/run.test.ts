/**
 * Plays every transcript against our own session over real sockets; those marked `@ reference` against smtp-server
 * (npm) too, whose words differ, so there only codes and messages are compared.
 */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, test } from 'node:test';
import type { DeliveryTerms } from '../../src/actors/asks/delivery-terms.ts';
import { MemoryGreylist } from '../../src/adapters/memory/memory-greylist.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { noNetworks } from '../../src/base/networks.ts';
import { hourMs } from '../../src/base/units.ts';
import { SmtpListener } from '../../src/edge/listeners/smtp-listener.ts';
import { ReloadableTls } from '../../src/edge/listeners/tls.ts';
import { type SmtpLimits, smtpLimits } from '../../src/edge/protocols/smtp/limits.ts';
import type { ListenerName } from '../../src/edge/protocols/smtp/service.ts';
import { testCertificate } from '../support/certificate.ts';
import { defaultSettings } from '../support/default-settings.ts';
import { filterWorld } from '../support/filter-world.ts';
import { networksOf } from '../support/networks.ts';
import { startReferenceServer } from '../support/reference-server.ts';
import { bodyOf, FakeReception, fakeService } from '../support/smtp-fakes.ts';
import { matches, octetsOf, readTranscripts, type Transcript } from '../support/transcript.ts';
import { WireClient } from '../support/wire-client.ts';
import type { ZoneRecord } from '../support/zone-dns.ts';

interface PlayedServer {
  readonly port: number;
  message(index: number): Record<string, string> | undefined;
  readonly messageCount: number;
  close(): void | Promise<void>;
}

const folder = new URL('.', import.meta.url).pathname;

for (const path of globSync(`${folder}{smtp,submission,lmtp}/*.session`).sort()) {
  const listener = basename(dirname(path)) as ListenerName;
  describe(`${listener}/${basename(path)}`, { concurrency: 8 }, () => {
    for (const transcript of readTranscripts(path)) {
      test(transcript.name, async () => {
        await play(transcript, await startOwn(listener, transcript.options), false);
      });
      if ('reference' in transcript.options) {
        test(`${transcript.name} (smtp-server agrees)`, async () => {
          await play(transcript, await startReference(listener, transcript.options), true);
        });
      }
    }
  });
}

/** Instants in seconds from where the sessions' clock stands. */
function termWords(terms: DeliveryTerms = {}): string {
  const { priority, holdUntilMs, deliverBy, requireTls } = terms;
  const inSeconds = (ms: number) => (ms - Date.UTC(2026, 0, 1)) / 1_000;
  const words = [
    ...(requireTls === undefined ? [] : ['tls']),
    ...(priority === undefined ? [] : [`priority:${priority}`]),
    ...(holdUntilMs === undefined ? [] : [`hold:${inSeconds(holdUntilMs)}`]),
    ...(deliverBy === undefined
      ? []
      : [
          `by:${inSeconds(deliverBy.byMs)}:${deliverBy.mode}${deliverBy.isTraced ? ':traced' : ''}`,
        ]),
  ];
  return words.join('+') || '-';
}

const defaultLimits = smtpLimits(defaultSettings.smtp);

function limitsOf(options: Readonly<Record<string, string>>): Partial<SmtpLimits> {
  const limits: Record<string, number> = {};
  for (const name of Object.keys(defaultLimits)) {
    if (options[name] !== undefined) limits[name] = Number(options[name]);
  }
  return limits;
}

/** `@ filters NAME=VALUE …`, as settings below `filters.`, on the zone of `@ zone NAME TYPE VALUE; …`. */
function filtersOf({ filters: given, zone = '' }: Readonly<Record<string, string>>) {
  if (given === undefined) return {};
  const records: Record<string, ZoneRecord[]> = {};
  for (const text of zone.split(';').filter((each) => each.trim() !== '')) {
    const [name = '', type = '', ...value] = text.trim().split(' ');
    records[name] = [...(records[name] ?? []), { [type]: value.join(' ') }];
  }
  const settings = given.split(' ').map((each) => {
    const at = each.indexOf('=');
    return [each.slice(0, at), each.slice(at + 1)] as const;
  });
  const limits = { waitMs: 60_000, retryMsMax: hourMs, keepMs: hourMs };
  const parts = {
    greylist: new MemoryGreylist({ ...limits, allowAfterCount: 1, entriesMax: 9 }, nodeClock),
  };
  const { filters } = filterWorld({
    ...{ given: Object.fromEntries(settings), zone: records, clock: nodeClock, parts },
  });
  // The pause before the greeting is real time.
  return { clock: nodeClock, more: { filters } };
}

async function startOwn(
  name: ListenerName,
  options: Readonly<Record<string, string>>,
): Promise<PlayedServer> {
  const reception = new FakeReception();
  if (options.room !== undefined) reception.roomBytes = Number(options.room);
  if (options.refusal !== undefined) reception.refusal = options.refusal as never;
  for (const address of options.failing?.split(' ') ?? []) reception.failing.add(address);
  const tls = new ReloadableTls('plain' in options ? undefined : testCertificate());
  const listener = new SmtpListener({
    host: '127.0.0.1',
    port: 0,
    service: fakeService({
      name,
      reception,
      limits: limitsOf(options),
      isTrusted: 'trusted' in options,
      xclient: 'xclient' in options,
      ...filtersOf(options),
    }),
    limits: defaultSettings.smtp,
    proxyNetworks: 'proxy' in options ? networksOf('127.0.0.0/8') : noNetworks,
    tls,
  });
  const { port } = await listener.listen();
  return {
    port,
    get messageCount() {
      return reception.messages.length;
    },
    message(index) {
      const message = reception.messages[index];
      if (message === undefined) return undefined;
      const { envelope, arrival } = message;
      return {
        sender: envelope.sender,
        rcpt: envelope.recipients.map(({ address }) => address).join(','),
        kinds: envelope.recipients.map(({ target }) => target.kind).join(','),
        orcpt: envelope.recipients.map(({ orcpt }) => orcpt ?? '-').join(','),
        notify: envelope.recipients
          .map(({ notify }) =>
            notify === undefined
              ? '-'
              : Object.entries(notify)
                  .filter(([, isOn]) => isOn)
                  .map(([word]) => word)
                  .join('+'),
          )
          .join(','),
        ret: envelope.ret ?? '-',
        envid: envelope.envid ?? '-',
        terms: termWords(envelope.terms),
        type: envelope.body,
        utf8: String(envelope.smtputf8),
        protocol: arrival.protocol,
        peer: arrival.peerAddress,
        helo: arrival.helo,
        user: arrival.user ?? '-',
        trusted: String(arrival.trusted),
        points: String(arrival.filters?.points ?? '-'),
        words: arrival.filters?.words.join(',') ?? '-',
        body: bodyOf(message).toString('latin1'),
      };
    },
    close: async () => {
      await listener.drain(0);
      assert.equal(reception.reservedBytes, 0, 'all room was given back');
    },
  };
}

async function startReference(
  name: ListenerName,
  options: Readonly<Record<string, string>>,
): Promise<PlayedServer> {
  const limits = { ...defaultLimits, ...limitsOf(options) };
  const server = await startReferenceServer({
    isLmtp: name === 'lmtp',
    isTrusted: 'trusted' in options,
    messageBytesMax: limits.messageBytesMax,
    recipientsMax: limits.recipientsMax,
    tls: testCertificate(),
  });
  return {
    port: server.port,
    get messageCount() {
      return server.messages.length;
    },
    message(index) {
      const message = server.messages[index];
      if (message === undefined) return undefined;
      return {
        sender: message.sender,
        rcpt: message.recipients.join(','),
        body: message.body.toString('latin1'),
      };
    },
    close: () => server.close(),
  };
}

async function play(
  transcript: Transcript,
  server: PlayedServer,
  codesOnly: boolean,
): Promise<void> {
  const client = await WireClient.connect(server.port);
  let messageIndex = 0;
  let skipUntilCode = '';
  try {
    for (const step of transcript.steps) {
      const where = `line ${step.line}`;
      if (step.kind === 'send') {
        client.send(step.octets);
      } else if (step.kind === 'expect') {
        if (codesOnly) {
          // Only the last line of an expected reply counts; theirs may have more lines or fewer.
          if (step.pattern[3] === '-') continue;
          skipUntilCode = step.pattern.slice(0, 3);
          let line = await client.line();
          while (line?.[3] === '-') line = await client.line();
          assert.equal(line?.slice(0, 3), skipUntilCode, `${where}: heard ${line}`);
        } else {
          const line = await client.line();
          assert.ok(
            line !== undefined && matches(step.pattern, line),
            `${where}: wanted ${step.pattern}, heard ${line}`,
          );
        }
      } else if (step.kind === 'message') {
        const message = server.message(messageIndex++);
        assert.ok(message !== undefined, `${where}: no such message`);
        for (const [name, wanted] of Object.entries(step.facts)) {
          if (codesOnly && message[name] === undefined) continue;
          const exact = octetsOf(wanted).toString(name === 'body' ? 'latin1' : 'utf8');
          assert.equal(message[name], exact, `${where}: ${name}`);
        }
      } else if (step.kind === 'tls') {
        await client.startTls();
      } else if (step.kind === 'pause') {
        await new Promise((resolve) => setTimeout(resolve, 15));
      } else {
        assert.equal(await client.closed(), '', `${where}: nothing more is said`);
      }
    }
    assert.equal(server.messageCount, messageIndex, 'every message accepted is in the transcript');
  } finally {
    client.destroy();
    await server.close();
  }
}
