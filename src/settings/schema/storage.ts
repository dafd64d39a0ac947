/** Settings of the data folder and the space it lives in. */

import { dayMs, gibibyte, hourMs, mebibyte } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, duration, flag, text } from '../fields.ts';
import { keyReferenceFault } from '../key-references.ts';

export const dataSection = section(
  'The data folder: journals, indexes, directory, control socket.',
  {
    dir: text({
      default: 'data',
      bounds: 'a path; a relative one starts at the working directory',
      reload: 'restart',
      doc: 'Folder that holds all state. Made with mode 0700. One process at a time may use it.',
      check: (path) => (path.trim() === '' ? 'must not be empty' : undefined),
    }),
    diskFreeBytesMin: bytes({
      default: 512 * mebibyte,
      min: 16 * mebibyte,
      max: 16_384 * gibibyte,
      reload: 'restart',
      doc: 'Below this much free space new mail is refused for now; what was accepted still moves.',
      spec: 'RFC 3463 §3.4',
    }),
    reserveBytes: bytes({
      default: 32 * mebibyte,
      min: mebibyte,
      max: 64 * gibibyte,
      reload: 'restart',
      doc: 'Size of a reserve file given up on a full disk for outcomes, expunges and compaction.',
    }),
  },
);

export const storeSection = section('The shard store: journal segments, group commit, events.', {
  segmentBytesMax: bytes({
    default: 64 * mebibyte,
    min: mebibyte,
    max: gibibyte,
    reload: 'restart',
    doc: 'A journal goes on in a new segment file at this size.',
  }),
  groupBytesMax: bytes({
    default: mebibyte,
    min: 64 * 1024,
    max: 64 * mebibyte,
    reload: 'restart',
    doc: 'Bytes of records written and synced in one go; more wait for the next sync.',
  }),
  transitKey: text({
    default: '',
    bounds: 'file:/PATH, env:CHASKI_KEY_… or command:/PATH',
    reload: 'restart',
    doc: 'Key under which bodies of mail under way are encrypted, of all tenants. Without it none are, and no tenant can be set to encrypt.',
    check: (reference) => (reference === '' ? undefined : keyReferenceFault(reference)),
  }),
  events: flag({
    default: true,
    reload: 'restart',
    doc: 'Whether what happens to messages is kept; without it `chaski trace`, events and webhooks know nothing.',
  }),
  eventsKeepMs: duration({
    default: 7 * dayMs,
    min: hourMs,
    max: 3_650 * dayMs,
    reload: 'restart',
    doc: 'How long events are kept: what `chaski trace` can tell, and what readers of events may come late for.',
  }),
  eventsBytesMax: bytes({
    default: gibibyte,
    min: mebibyte,
    max: 1_024 * gibibyte,
    reload: 'restart',
    doc: 'Room for those events; the oldest go when it is full, even before `eventsKeepMs`.',
  }),
});
