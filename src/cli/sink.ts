/**
 * `chaski sink`: takes mail and counts it, or plays a difficult receiver.
 *
 * Runs in: a process of its own, until SIGTERM or SIGINT. Exit code: 0, or 2 for wrong usage.
 */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { nodeClock } from '../adapters/node/clock.ts';
import { type HostPort, parseHostPort } from '../harness/addresses.ts';
import { LedgerWriter } from '../harness/ledger/ledger-writer.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import {
  FaultSource,
  parseFault,
  parseModel,
  type SinkModel,
  sinkModels,
} from '../harness/sink/models.ts';
import { Sink } from '../harness/sink/sink.ts';
import { exitCodes } from './command.ts';

const usage = `usage: chaski sink --listen HOST:PORT[,HOST:PORT…] [options]

  --model NAME|FILE   ${Object.keys(sinkModels).join(', ')}; or a file of JSON:
                      {"rules": [{"at": "rcpt", "probability": 0.1, "reply": "451 4.3.0 Busy"}]}
  --fault P=REPLY:X   one more rule: at step P (connect, ehlo, mail, rcpt, data, body, message)
                      answer REPLY with chance X; REPLY "drop" cuts the connection; repeatable
  --seed N            the same seed plays the same faults (default 1)
  --lmtp              speak LMTP
  --chunking on|off   offer CHUNKING and BINARYMIME (default on)
  --count N           end after N messages
  --ledger DIR        write what arrives to a ledger
  --json              lines of JSON: one when ready, one with the counts at the end

example: chaski sink --listen 127.0.0.1:2620 --fault "rcpt=451 4.3.0 Busy:0.1" --ledger /tmp/ledger
`;

export async function run(argv: string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        listen: { type: 'string' },
        model: { type: 'string', default: 'fast' },
        fault: { type: 'string', multiple: true, default: [] },
        seed: { type: 'string', default: '1' },
        lmtp: { type: 'boolean', default: false },
        chunking: { type: 'string', default: 'on' },
        count: { type: 'string', default: 'Infinity' },
        ledger: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    if (values.listen === undefined) throw new Error('--listen is missing');
    const listen = values.listen.split(',').map((each) => parseHostPort(each.trim()));
    const model = readModel(values.model, values.fault);
    const stop = Promise.withResolvers<void>();
    const countMax = Number(values.count);
    const sink = new Sink({
      listen,
      hostName: hostname(),
      lmtp: values.lmtp,
      chunking: values.chunking !== 'off',
      faults: new FaultSource(model, new SeededRandom(Number(values.seed)), nodeClock.monotonicMs),
      clock: nodeClock,
      ledger: values.ledger === undefined ? undefined : new LedgerWriter(values.ledger),
      onMessage: (counts) => {
        // The last acknowledgement is still to leave.
        if (counts.messages === countMax) setTimeout(stop.resolve, 100);
      },
    });
    sayReady(await sink.start(), values.json);
    process.once('SIGTERM', () => stop.resolve());
    process.once('SIGINT', () => stop.resolve());
    await stop.promise;
    await sink.stop();
    const counts = values.json
      ? JSON.stringify(sink.counts)
      : Object.entries(sink.counts)
          .map(([name, count]) => `${name} ${count}`)
          .join(', ');
    process.stdout.write(`${counts}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`chaski sink: ${(error as Error).message}\n\n${usage}`);
    return exitCodes.usage;
  }
}

function readModel(name: string, faults: readonly string[]): SinkModel {
  const model = sinkModels[name] ?? parseModel(readFileSync(name, 'utf8'), name);
  return { name: model.name, rules: [...faults.map(parseFault), ...model.rules] };
}

function sayReady(bound: readonly HostPort[], isJson: boolean): void {
  const addresses = bound.map(({ host, port }) => `${host}:${port}`);
  const line = isJson ? JSON.stringify({ ready: addresses }) : `ready on ${addresses.join(', ')}`;
  process.stdout.write(`${line}\n`);
}
