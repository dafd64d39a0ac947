/** Settings of the audit log. */

import { gibibyte, hourMs, mebibyte, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, choice, duration, integer, text } from '../fields.ts';

function checkUrl(given: string): string | undefined {
  if (given === '') return undefined;
  const url = URL.parse(given);
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  return isWeb && url.username === '' ? undefined : `"${given}" is no http or https URL`;
}

const webBounds = 'an https:// or http:// URL, or "" for none';

const headsSection = section('Signed heads: what shows that entries were cut off or made again.', {
  everyMs: duration({
    default: minuteMs,
    min: secondMs,
    max: hourMs,
    reload: 'restart',
    doc: 'How often the newest entry is signed, and the signature sent out.',
  }),
  keyDays: integer({
    default: 90,
    min: 1,
    max: 3_650,
    unit: 'days',
    reload: 'restart',
    doc: 'After so long another key signs; the old one signs it.',
  }),
  file: text({
    default: '',
    bounds: 'a path, or "" for none',
    example: '/mnt/write-once/chaski-heads.jsonl',
    reload: 'restart',
    doc: 'File that heads are appended to: on another machine, or where nobody who has the data folder can change it.',
  }),
  url: text({
    default: '',
    bounds: webBounds,
    example: 'https://heads.example.org/chaski',
    reload: 'restart',
    doc: 'URL that heads are posted to, with the keys, a line of JSON each.',
    check: checkUrl,
  }),
});

export const auditSection = section('The audit log: who did what (docs/audit.md).', {
  failure: choice({
    values: ['refuse', 'go-on'],
    default: 'refuse',
    reload: 'restart',
    doc: 'What becomes of acts that change something while the audit log cannot be written: "refuse" does not do them, "go-on" does them, and writes what it can once it can. Mail and log-ins go on in both.',
  }),
  keepDays: integer({
    default: 400,
    min: 0,
    max: 36_500,
    unit: 'days',
    reload: 'restart',
    doc: 'How long entries are kept; 0: as long as there is room by `audit.bytesMax`.',
  }),
  bytesMax: bytes({
    default: 4 * gibibyte,
    min: 16 * mebibyte,
    max: 1_024 * gibibyte,
    reload: 'restart',
    doc: 'Size of all entries; past it the oldest go.',
  }),
  segmentBytesMax: bytes({
    default: 16 * mebibyte,
    min: 64 * 1024,
    max: gibibyte,
    reload: 'restart',
    doc: 'The next file is begun once one has this size, or is a day old. Files go whole.',
  }),
  logInsPerMinuteMax: integer({
    default: 1_000,
    min: 10,
    max: 100_000,
    reload: 'restart',
    doc: 'Entries that log-ins may cost in a minute. Those of one account, address and mechanism are one entry a minute, with a count; past the bound one entry says how many there were.',
  }),
  heads: headsSection,
});
