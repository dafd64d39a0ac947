/**
 * `chaski ledger listen`: enters what a server's webhooks tell, until SIGTERM or SIGINT.
 *
 * Runs in: the CLI's process.
 */

import { readFileSync, statSync } from 'node:fs';
import { mebibyte } from '../../base/units.ts';
import { parseHostPort } from '../../harness/addresses.ts';
import { type EventMap, eventMapField, eventMaps } from '../../harness/collect/event-map.ts';
import { WebhookListener } from '../../harness/collect/webhook-listener.ts';
import { FieldFault, pathText } from '../../harness/fields.ts';
import { LedgerWriter } from '../../harness/ledger/ledger-writer.ts';
import type { LedgerValues } from './usage.ts';

const mapBytesMax = mebibyte;
const aliasCountMax = 100;

export async function listen(folder: string, values: LedgerValues): Promise<number> {
  const { http, format = 'generic', json } = values;
  if (http === undefined) throw new Error('--http HOST:PORT is missing');
  const address = parseHostPort(http);
  const listener = new WebhookListener(await mapOf(format), new LedgerWriter(folder));
  const stop = Promise.withResolvers<void>();
  process.once('SIGTERM', () => stop.resolve());
  process.once('SIGINT', () => stop.resolve());
  const { host, port } = await listener.start(address);
  const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  process.stdout.write(json === true ? `${JSON.stringify({ ready: at })}\n` : `ready on ${at}\n`);
  await stop.promise;
  await listener.stop();
  const { requests, refused, events, passedOver, unmarked } = listener.counts;
  process.stdout.write(
    json === true
      ? `${JSON.stringify(listener.counts)}\n`
      : `${events} events in ${requests} requests (${refused} refused), ` +
          `${passedOver} passed over, ${unmarked} not of this ledger\n`,
  );
  return 0;
}

/** A map that ships, or the one in a file of YAML or JSON. */
async function mapOf(format: string): Promise<EventMap> {
  const shipped = Object.entries(eventMaps).find(([name]) => name === format);
  if (shipped !== undefined) return shipped[1];
  const known = Object.keys(eventMaps).join(', ');
  const size = statSync(format, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new Error(`--format ${format}: neither a file nor one of ${known}`);
  if (size > mapBytesMax) throw new Error(`${format} is over 1 MiB`);
  const { parse } = await import('yaml');
  try {
    const map = eventMapField.read(
      parse(readFileSync(format, 'utf8'), { maxAliasCount: aliasCountMax }),
      [],
    );
    const events = Object.entries(map.events).map(([word, event]) => [word.toLowerCase(), event]);
    return { ...map, events: Object.fromEntries(events) };
  } catch (error) {
    if (!(error instanceof FieldFault)) throw new Error(`${format}: ${(error as Error).message}`);
    const faults = error
      .all()
      .map(({ path, message }) => `${pathText(path, 'the map')} ${message}`);
    throw new Error(faults.map((fault) => `${format}: ${fault}`).join('\n'));
  }
}
