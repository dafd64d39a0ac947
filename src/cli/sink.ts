/**
 * `chaski sink`: takes mail and counts it, plays a difficult receiver, or shows what arrived.
 *
 * Runs in: a process of its own, until SIGTERM or SIGINT. Exit code: 0, or 2 for wrong usage.
 */

import { hostname } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nodeClock } from '../adapters/node/clock.ts';
import { mebibyte } from '../base/units.ts';
import { type HostPort, parseHostPort } from '../harness/addresses.ts';
import { LedgerWriter } from '../harness/ledger/ledger-writer.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { dnsVariants } from '../harness/sink/dns-variants.ts';
import { FaultSource } from '../harness/sink/fault-source.ts';
import { type CertificateKind, certificateKinds, type SinkModel } from '../harness/sink/model.ts';
import { type RigAddresses, type RigOptions, SinkRig } from '../harness/sink/rig.ts';
import { sinkModels } from '../harness/sink/shipped-models.ts';
import { exitCodes } from './command.ts';

const options = {
  listen: { type: 'string' },
  'listen-tls': { type: 'string', default: '' },
  model: { type: 'string', default: 'fast' },
  fault: { type: 'string', multiple: true, default: [] },
  seed: { type: 'string', default: '1' },
  lmtp: { type: 'boolean', default: false },
  chunking: { type: 'string', default: 'on' },
  auth: { type: 'boolean', default: false },
  starttls: { type: 'boolean', default: false },
  certificate: { type: 'string' },
  'tls-files': { type: 'string' },
  dns: { type: 'string' },
  'dns-address': { type: 'string' },
  domain: { type: 'string', multiple: true, default: [] },
  'mta-sts': { type: 'string' },
  capture: { type: 'boolean', default: false },
  http: { type: 'string' },
  'http-name': { type: 'string', multiple: true, default: [] },
  keep: { type: 'string' },
  'keep-count': { type: 'string', default: '5000' },
  'keep-mb': { type: 'string', default: '256' },
  'follow-links': { type: 'boolean', default: false },
  count: { type: 'string', default: 'Infinity' },
  ledger: { type: 'string' },
  json: { type: 'boolean', default: false },
  'print-schema': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

export async function run(argv: string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args: argv, options });
    if (values.help) {
      process.stdout.write((await import('./sink-help.ts')).sinkHelp);
      return exitCodes.done;
    }
    if (values['print-schema']) {
      const { modelJsonSchema } = await import('../harness/sink/model-schema.ts');
      process.stdout.write(`${JSON.stringify(modelJsonSchema(), null, 2)}\n`);
      return exitCodes.done;
    }
    const stop = Promise.withResolvers<void>();
    const rig = new SinkRig(rigOptions(values, await modelOf(values), stop.resolve));
    const ready = await rig.start().catch(async (error: Error) => {
      // What listens already would keep the process up.
      await rig.stop();
      throw error;
    });
    sayReady(ready, values.json);
    process.once('SIGTERM', () => stop.resolve());
    process.once('SIGINT', () => stop.resolve());
    await stop.promise;
    await rig.stop();
    const counts = values.json
      ? JSON.stringify(rig.counts)
      : Object.entries(rig.counts)
          .map(([name, count]) => `${name} ${count}`)
          .join(', ');
    process.stdout.write(`${counts}\n`);
    return exitCodes.done;
  } catch (error) {
    process.stderr.write(`chaski sink: ${(error as Error).message}\nchaski sink --help has more\n`);
    return exitCodes.usage;
  }
}

function rigOptions(values: Values, model: SinkModel, stop: () => void): RigOptions {
  if (values.listen === undefined) throw new Error('--listen HOST:PORT is missing');
  const certificate = certificateOf(values.certificate) ?? model.certificate ?? 'valid';
  const isTlsModel = model.rules.some(({ at }) => at === 'starttls' || at === 'handshake');
  const countMax = number('count', values.count);
  if (values.chunking !== 'on' && values.chunking !== 'off') {
    throw new Error(`--chunking must be on or off, not "${values.chunking}"`);
  }
  return {
    listen: addresses(values.listen),
    listenTls: addresses(values['listen-tls']),
    hostName: hostname(),
    lmtp: values.lmtp,
    chunking: values.chunking !== 'off',
    auth: values.auth || values.capture,
    starttls: values.starttls || values.capture || isTlsModel || certificate !== 'valid',
    certificate,
    tlsFolder: values['tls-files'],
    faults: new FaultSource(model, new SeededRandom(number('seed', values.seed)), () =>
      nodeClock.monotonicMs(),
    ),
    clock: nodeClock,
    ledger: values.ledger === undefined ? undefined : new LedgerWriter(values.ledger),
    dns: dnsOf(values, model),
    capture: captureOf(values),
    onMessage: (counts) => {
      // The last acknowledgement is still to leave.
      if (counts.messages === countMax) setTimeout(stop, 100);
    },
  };
}

/** What reads models is loaded where there is something to read: the plain sink starts without it. */
async function modelOf({ model: name, fault }: Values): Promise<SinkModel> {
  const shipped = Object.hasOwn(sinkModels, name) ? sinkModels[name] : undefined;
  const model = shipped ?? (await import('../harness/sink/model-file.ts')).readModel(name);
  if (fault.length === 0) return model;
  const { parseFault } = await import('../harness/sink/model-schema.ts');
  return { ...model, rules: [...fault.map(parseFault), ...model.rules] };
}

function dnsOf(values: Values, model: SinkModel): RigOptions['dns'] {
  if (values.dns === undefined) {
    if (values['mta-sts'] !== undefined)
      throw new Error('--mta-sts needs --dns, which leads there');
    if (values.domain.length > 0 || values['dns-address'] !== undefined) {
      throw new Error('--domain and --dns-address are for --dns HOST:PORT: add it');
    }
    return undefined;
  }
  const named = values.domain.map((each) => {
    const match = /^([^=\s]+)=([a-z-]+)$/.exec(each);
    if (match === null) throw new Error(`--domain must be DOMAIN=VARIANT, not "${each}"`);
    if (!Object.hasOwn(dnsVariants, match[2]!)) {
      const known = Object.keys(dnsVariants).join(', ');
      throw new Error(`--domain ${each}: no such variant; take one of ${known}`);
    }
    return [match[1]!, match[2]!] as const;
  });
  const policies = values['mta-sts'];
  return {
    listen: parseHostPort(values.dns),
    address: values['dns-address'],
    policies: policies === undefined ? undefined : parseHostPort(policies),
    model: { ...model.dns, domains: { ...model.dns?.domains, ...Object.fromEntries(named) } },
  };
}

function captureOf(values: Values): RigOptions['capture'] {
  if (!values.capture) {
    if (values.http !== undefined) throw new Error('--http shows what --capture keeps: add it');
    if (values.keep !== undefined) throw new Error('--keep is for what --capture takes: add it');
    return undefined;
  }
  if (values.http === undefined) throw new Error('--capture needs --http HOST:PORT for its page');
  return {
    http: parseHostPort(values.http),
    folder: values.keep,
    countMax: number('keep-count', values['keep-count']),
    bytesMax: number('keep-mb', values['keep-mb']) * mebibyte,
    names: values['http-name'].map((name) => name.toLowerCase()),
    probesLinks: values['follow-links'],
  };
}

function certificateOf(text: string | undefined): CertificateKind | undefined {
  if (text === undefined) return undefined;
  const kind = certificateKinds.find((each) => each === text);
  if (kind === undefined) {
    throw new Error(`--certificate must be one of ${certificateKinds.join(', ')}, not "${text}"`);
  }
  return kind;
}

function addresses(text: string): readonly HostPort[] {
  if (text === '') return [];
  return text.split(',').map((each) => parseHostPort(each.trim()));
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return value;
}

function sayReady({ ready, ...others }: RigAddresses, isJson: boolean): void {
  const text = ({ host, port }: HostPort) =>
    host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const named = Object.entries(others).map(([name, address]) => [name, text(address)]);
  if (isJson) {
    const line = { ready: ready.map(text), ...Object.fromEntries(named) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const more = named.map(([name, at]) =>
    name === 'http' ? `page http://${at}/` : `${name} ${at}`,
  );
  process.stdout.write(`ready on ${[...ready.map(text), ...more].join(', ')}\n`);
}
