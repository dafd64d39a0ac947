/** Settings of webhooks. */

import { dayMs, kibibyte, mebibyte, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, duration, flag, integer } from '../fields.ts';
import { networkList } from '../networks.ts';

export const webhookSection = section('Webhooks: events posted to URLs that tenants choose.', {
  requireHttps: flag({
    default: true,
    reload: 'restart',
    doc: 'Whether a URL has to begin with https://.',
  }),
  allowNetworks: networkList({
    reload: 'restart',
    doc: 'Networks that webhooks may reach though they are loopback, private, reserved or our own.',
  }),
  timeoutMs: duration({
    default: 10 * secondMs,
    min: 100,
    max: 5 * minuteMs,
    reload: 'restart',
    doc: 'How long a request may take, from its connection to the end of its answer.',
  }),
  batchCountMax: integer({
    default: 500,
    min: 1,
    max: 10_000,
    reload: 'restart',
    doc: 'Events of one request.',
  }),
  batchBytesMax: bytes({
    default: 256 * kibibyte,
    min: 16 * kibibyte,
    max: 16 * mebibyte,
    reload: 'restart',
    doc: 'Size of one request.',
  }),
  pauseAfterMs: duration({
    default: dayMs,
    min: minuteMs,
    max: 30 * dayMs,
    reload: 'restart',
    doc: 'A webhook that has failed for so long pauses itself, and keeps its place, until it is resumed.',
  }),
  overlapMs: duration({
    default: dayMs,
    min: 0,
    max: 30 * dayMs,
    reload: 'restart',
    doc: 'How long requests are signed by an old secret, too, once a new one was made.',
  }),
});
