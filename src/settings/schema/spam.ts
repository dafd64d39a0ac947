/** Settings of what becomes of mail that scanners have marked. */

import { dayMs, hourMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration, flag, integer } from '../fields.ts';
import { listTable } from '../filters.ts';

const percent = (doc: string, fallback: number) =>
  integer({
    default: fallback,
    min: 0,
    max: 10_000,
    unit: 'percent',
    reload: 'live',
    doc,
    spec: 'ours',
  });

export const spamSection = section(
  'Where mail goes by the scores of scanners, as a percentage of what each calls spam (docs/quarantine.md). A tenant and an account may say otherwise.',
  {
    junkPercent: percent(
      'From this score on mail goes to Junk, where no script files it elsewhere; 0 is never.',
      100,
    ),
    quarantinePercent: percent(
      'From this score on mail is kept apart in the quarantine of its account, before any script; 0 is never.',
      0,
    ),
    urlLists: listTable({
      reload: 'restart',
      doc: 'Lists in the DNS that are asked about the hosts a message leads to, for the scanner of kind "own"; each counts once, by the worst of the hosts.',
      spec: 'RFC 5782 §2.5',
    }),
    learn: flag({
      default: true,
      reload: 'restart',
      doc: 'Whether an account learns from what its people do: what they move into Junk, out of it, and answer.',
    }),
    tenantLessons: flag({
      default: true,
      reload: 'restart',
      doc: "Whether what at least three accounts of a tenant learnt counts for its other accounts, too: hashed features, of none of which it is told whose they are. Off: for each one's own mail alone.",
    }),
    rejectPercent: percent('From this score on mail is refused; 0 leaves that to the scanners.', 0),
  },
);

export const quarantineSection = section(
  'Mail kept apart: by its score, or because a scanner says so (docs/quarantine.md).',
  {
    keepMs: duration({
      default: 30 * dayMs,
      min: dayMs,
      max: 365 * dayMs,
      reload: 'restart',
      doc: 'So long a message stays in quarantine; then it is expunged.',
      spec: 'ours',
    }),
    digest: flag({
      default: true,
      reload: 'restart',
      doc: 'Whether an account is told by mail, once a day, of what came into its quarantine.',
    }),
    digestHour: integer({
      default: 6,
      min: 0,
      max: 23,
      unit: 'hour',
      reload: 'restart',
      doc: 'The hour of the day, in UTC, from which on it is told.',
    }),
    linkMs: duration({
      default: 7 * dayMs,
      min: hourMs,
      max: 365 * dayMs,
      reload: 'restart',
      doc: 'So long the links of a digest release a message, without a log-in.',
    }),
  },
);
