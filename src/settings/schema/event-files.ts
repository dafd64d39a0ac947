/** Settings of event files. */

import { dayMs, gibibyte, mebibyte, minuteMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, duration, integer, text } from '../fields.ts';

export const eventFilesSection = section(
  'Event files: what happens to mail of all tenants, as lines of JSON (docs/events.md).',
  {
    folder: text({
      default: '',
      bounds: 'a path, or "" for none',
      reload: 'restart',
      doc: 'Folder that events are written to, each once it is kept, from the oldest there is on; made where it is not.',
      example: '/var/lib/chaski/events',
    }),
    bytesMax: bytes({
      default: 64 * mebibyte,
      min: 64 * 1024,
      max: 16 * gibibyte,
      reload: 'restart',
      doc: 'The next file is begun once one has this size.',
    }),
    ageMsMax: duration({
      default: dayMs,
      min: minuteMs,
      max: 366 * dayMs,
      reload: 'restart',
      doc: 'The next file is begun once one is this old and something comes.',
    }),
    filesMax: integer({
      default: 100,
      min: 2,
      max: 100_000,
      reload: 'restart',
      doc: 'So many files are kept; the oldest go first, read or not.',
    }),
  },
);
