/**
 * Rules over who a message says it is from, who vouches for it, and its header.
 *
 * Runs in: engine threads and jobs; pure.
 */

import { isMixedScript, looksLike, skeleton } from './lookalike.ts';
import { fieldValue, type Reading } from './reading.ts';
import type { Rule } from './rules.ts';

const dayMs = 86_400_000;

/** Names that are put before strangers' addresses, and the domains that may use them. */
const brands: Readonly<Record<string, readonly string[]>> = {
  paypal: ['paypal.com', 'paypal.de'],
  amazon: ['amazon.com', 'amazon.de', 'amazon.co.uk', 'amazonses.com'],
  microsoft: ['microsoft.com', 'outlook.com', 'live.com'],
  netflix: ['netflix.com'],
  docusign: ['docusign.com', 'docusign.net'],
  facebook: ['facebook.com', 'facebookmail.com'],
  ebay: ['ebay.com', 'ebay.de', 'ebay.co.uk'],
  dhl: ['dhl.com', 'dhl.de'],
};

function isBelow(domain: string, above: readonly string[]): boolean {
  return above.some((name) => domain === name || domain.endsWith(`.${name}`));
}

function fromDomain({ from }: Reading): string {
  return (from?.domain ?? '').toLowerCase();
}

const addressInName = /[^\s<>"'@]{1,64}@([a-z0-9.-]{3,253})/i;

function hasOtherAddressInName(reading: Reading): boolean {
  const named = addressInName.exec(reading.from?.name.slice(0, 500) ?? '')?.[1]?.toLowerCase();
  const domain = fromDomain(reading);
  return (
    named !== undefined && domain !== '' && !isBelow(named, [domain]) && !isBelow(domain, [named])
  );
}

function hasForeignBrand(reading: Reading): boolean {
  const words = skeleton(reading.from?.name.slice(0, 200) ?? '').split(/[^\p{L}]+/u);
  const domain = fromDomain(reading);
  return words.some(
    (word) => Object.hasOwn(brands, word) && domain !== '' && !isBelow(domain, brands[word]!),
  );
}

/** Undefined where there is no date to be read. */
function datedMs({ fields }: Reading): number | undefined {
  const ms = Date.parse((fieldValue(fields, 'date') ?? '').slice(0, 100).replace(/\(.*$/, ''));
  return Number.isFinite(ms) ? ms : undefined;
}

function distanceMs(reading: Reading, nowMs: number | undefined): number {
  const ms = datedMs(reading);
  return ms === undefined || nowMs === undefined ? 0 : ms - nowMs;
}

function isShouting({ subject }: Reading): boolean {
  const letters = subject.replace(/[^\p{L}]/gu, '');
  return (
    letters.length >= 12 && letters === letters.toUpperCase() && letters !== letters.toLowerCase()
  );
}

export const addressRules: readonly Rule[] = [
  {
    name: 'DMARC_FAIL',
    points: 2.5,
    why: 'the author’s domain does not vouch for it',
    holds: (_, { verdicts }) => verdicts?.dmarc === 'fail' && verdicts.dmarcPolicy === 'none',
  },
  {
    name: 'DMARC_FAIL_STRICT',
    points: 4,
    why: 'the author’s domain asks to turn it away',
    holds: (_, { verdicts }) => verdicts?.dmarc === 'fail' && verdicts.dmarcPolicy !== 'none',
  },
  {
    name: 'DMARC_PASS',
    points: -0.5,
    why: 'the author’s domain vouches for it',
    holds: (_, { verdicts }) => verdicts?.dmarc === 'pass',
  },
  {
    name: 'SPF_FAIL',
    points: 1.5,
    why: 'the sender’s domain does not name that server',
    holds: (_, { verdicts }) => verdicts?.spf === 'fail',
  },
  {
    name: 'SPF_SOFTFAIL',
    points: 0.5,
    why: 'the sender’s domain hardly knows that server',
    holds: (_, { verdicts }) => verdicts?.spf === 'softfail',
  },
  {
    name: 'DKIM_FAIL',
    points: 0.5,
    why: 'its signature does not hold',
    holds: (_, { verdicts }) => verdicts?.dkim === 'fail',
  },
  {
    name: 'FROM_LOOKALIKE',
    points: 4,
    why: 'the author’s domain looks like one of ours',
    holds: (reading, { ownDomains = [] }) =>
      looksLike(fromDomain(reading), ownDomains) !== undefined,
  },
  {
    name: 'FROM_MIXED_SCRIPT',
    points: 2.5,
    why: 'the author’s name mixes letters of two scripts',
    holds: ({ from }) => (from?.name.slice(0, 200) ?? '').split(/\s+/).some(isMixedScript),
  },
  {
    name: 'FROM_NAME_ADDRESS',
    points: 2,
    why: 'the author’s name holds another address',
    holds: hasOtherAddressInName,
  },
  {
    name: 'FROM_BRAND',
    points: 2.5,
    why: 'a known name before a stranger’s address',
    holds: hasForeignBrand,
  },
  {
    name: 'FROM_MISSING',
    points: 1,
    why: 'no author that can be read',
    holds: ({ from }) => from === undefined || from.domain === '',
  },
  {
    name: 'REPLY_ELSEWHERE',
    points: 0.3,
    why: 'answers go to another domain',
    holds: (reading) => {
      const domain = reading.replyTo?.domain.toLowerCase() ?? '';
      return domain !== '' && !isBelow(domain, [fromDomain(reading)]);
    },
  },
  {
    name: 'DATE_FUTURE',
    points: 1.5,
    why: 'dated more than two days ahead',
    holds: (reading, { nowMs }) => distanceMs(reading, nowMs) > 2 * dayMs,
  },
  {
    name: 'DATE_MISSING',
    points: 0.8,
    why: 'no date that can be read',
    holds: (reading) => datedMs(reading) === undefined,
  },
  {
    name: 'MESSAGE_ID_MISSING',
    points: 0.5,
    why: 'no Message-ID',
    holds: ({ fields }) => fieldValue(fields, 'message-id') === undefined,
  },
  {
    name: 'SUBJECT_SHOUTS',
    points: 0.8,
    why: 'the subject is in capitals',
    holds: isShouting,
  },
  {
    name: 'SUBJECT_MIXED_SCRIPT',
    points: 1.5,
    why: 'a word of the subject mixes letters of two scripts',
    holds: ({ subject }) => subject.slice(0, 500).split(/\s+/).some(isMixedScript),
  },
];
