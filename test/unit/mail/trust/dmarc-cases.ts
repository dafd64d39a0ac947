/** DMARC cases written from RFC 9989: what the DNS says, who vouches, and what comes of it. */

import type { ZoneRecord } from '../../../support/zone-dns.ts';

export interface DmarcCase {
  readonly name: string;
  /** TXT records under `_dmarc.`, by domain; several, or a look-up that fails. */
  readonly records: Readonly<Record<string, string | readonly string[]>>;
  /** Names that are there, with an address; a name neither here nor in `records` is not there. */
  readonly hosts?: readonly string[];
  readonly author: string;
  /** Of SPF, where it passed. */
  readonly spf?: string;
  /** Of signatures that passed. */
  readonly dkim?: readonly string[];
  readonly result: 'pass' | 'fail' | 'none' | 'temperror';
  /** Where there is a verdict. */
  readonly policy?: 'none' | 'quarantine' | 'reject';
}

export const lookUpFails = 'TIMEOUT';

type Given = Partial<DmarcCase>;
const org = { author: 'example.com' };
const p = (policy: string, more = '') => ({ 'example.com': `v=DMARC1; p=${policy}${more}` });
const rejects = { records: p('reject') };
const one = (name: string, given: Given): DmarcCase => ({
  ...{ name, ...org, ...rejects, result: 'fail', policy: 'reject' },
  ...given,
});
const none = { result: 'none', policy: undefined } as unknown as Given;
const pass = { result: 'pass' } as const;
const sub = { author: 'a.example.com', hosts: ['a.example.com'] };
const ghost = { author: 'ghost.example.com' };
const text = (record: string): Given => ({ records: { 'example.com': record } });

export const dmarcCases: readonly DmarcCase[] = [
  // §4.4, §5.3: identifiers that passed, and alignment (§4.4.1, §4.4.2, §3.2.10).
  one('§5.3 nobody vouches', {}),
  one('§4.4.2 SPF of the author domain', { spf: 'example.com', ...pass }),
  one('§4.4.1 DKIM of the author domain', { dkim: ['example.com'], ...pass }),
  one('§4.4 both', { spf: 'example.com', dkim: ['example.com'], ...pass }),
  one('§4.4 SPF of another domain', { spf: 'other.test' }),
  one('§4.4 DKIM of another domain', { dkim: ['other.test'] }),
  one('§4.4.1 one of several signatures', { dkim: ['a.test', 'b.test', 'example.com'], ...pass }),
  one('§4.4.2 relaxed is the default: SPF below', { spf: 'bounce.example.com', ...pass }),
  one('§4.4.1 relaxed is the default: DKIM below', { dkim: ['mail.example.com'], ...pass }),
  one('§4.4.1 relaxed: DKIM above the author', { ...sub, dkim: ['example.com'], ...pass }),
  one('§4.4.2 relaxed: SPF beside the author', { ...sub, spf: 'b.example.com', ...pass }),
  one('§3.2.10 a suffix of the letters is not alignment', { dkim: ['badexample.com'] }),
  one('§3.2.10 the domain as a label of another', { dkim: ['example.com.evil.test'] }),
  one('§3.2.10 the public suffix is not aligned', { dkim: ['com'] }),
  one('§4.7 adkim=s: the same', {
    records: p('reject', '; adkim=s'),
    dkim: ['example.com'],
    ...pass,
  }),
  one('§4.7 adkim=s: below', { records: p('reject', '; adkim=s'), dkim: ['m.example.com'] }),
  one('§4.7 adkim=s: above', { ...sub, records: p('reject', '; adkim=s'), dkim: ['example.com'] }),
  one('§4.7 aspf=s: the same', { records: p('reject', '; aspf=s'), spf: 'example.com', ...pass }),
  one('§4.7 aspf=s: below', { records: p('reject', '; aspf=s'), spf: 'm.example.com' }),
  one('§4.7 aspf=s leaves DKIM relaxed', {
    ...{ records: p('reject', '; aspf=s'), dkim: ['m.example.com'], ...pass },
  }),
  one('§4.7 adkim=s leaves SPF relaxed', {
    ...{ records: p('reject', '; adkim=s'), spf: 'm.example.com', ...pass },
  }),
  one('§4.7 adkim=r said', { records: p('reject', '; adkim=r'), dkim: ['m.example.com'], ...pass }),
  one('§4.7 a value of adkim that is none: relaxed', {
    ...{ records: p('reject', '; adkim=x'), dkim: ['m.example.com'], ...pass },
  }),

  // §4.7: tags and values.
  one('§4.7 p=none', { records: p('none'), policy: 'none' }),
  one('§4.7 p=quarantine', { records: p('quarantine'), policy: 'quarantine' }),
  one('§4.7 values are in any case', { records: p('ReJeCt') }),
  one('§4.7 white space round = and ;', text('v = DMARC1 ;  p  =  reject ; ')),
  one('§4.7 no space at all', text('v=DMARC1;p=reject')),
  one('§4.7 the version is in capitals', { ...text('v=dmarc1; p=reject'), ...none }),
  one('§4.7 the version comes first', { ...text('p=reject; v=DMARC1'), ...none }),
  one('§4.7 another version', { ...text('v=DMARC2; p=reject'), ...none }),
  one('§4.7 no semicolon behind the version', { ...text('v=DMARC1 p=reject'), ...none }),
  one('§4.7 unknown tags are passed over', text('v=DMARC1; x=y; p=reject; zz=1')),
  one('§4.7 pct is gone', text('v=DMARC1; p=reject; pct=0')),
  one('§4.7 rf and ri are gone', text('v=DMARC1; p=reject; rf=afrf; ri=1')),
  one('§4.7 a tag twice is no record', { ...text('v=DMARC1; p=none; p=reject'), ...none }),

  // §4.7 t=: testing lowers by one.
  one('§4.7 t=y: reject as quarantine', { records: p('reject', '; t=y'), policy: 'quarantine' }),
  one('§4.7 t=y: quarantine as none', { records: p('quarantine', '; t=y'), policy: 'none' }),
  one('§4.7 t=y: none stays', { records: p('none', '; t=y'), policy: 'none' }),
  one('§4.7 t=n', { records: p('reject', '; t=n') }),
  one('§4.7 t=Y is y', { records: p('reject', '; t=Y'), policy: 'quarantine' }),
  one('§4.7 t=y lowers sp, too', {
    ...{ ...sub, records: p('none', '; sp=reject; t=y'), policy: 'quarantine' },
  }),
  one('§4.7 t=y does not touch a pass', {
    ...{ records: p('reject', '; t=y'), spf: 'example.com', ...pass, policy: 'quarantine' },
  }),

  // §4.10.1: which policy.
  one('§4.10.1 below: p where nothing else is said', { ...sub }),
  one('§4.10.1 below: sp', { ...sub, records: p('reject', '; sp=none'), policy: 'none' }),
  one('§4.10.1 sp says nothing of the domain itself', { records: p('reject', '; sp=none') }),
  one('§4.10.1 a name that is not there: np', {
    ...{ ...ghost, records: p('none', '; sp=quarantine; np=reject') },
  }),
  one('§4.10.1 a name that is there: sp, not np', {
    ...{ ...sub, records: p('none', '; sp=quarantine; np=reject'), policy: 'quarantine' },
  }),
  one('§4.10.1 not there, no np: sp', {
    ...{ ...ghost, records: p('none', '; sp=quarantine'), policy: 'quarantine' },
  }),
  one('§4.10.1 not there, neither: p', ghost),
  one('§4.10.1 np says nothing of the domain itself', { records: p('reject', '; np=none') }),
  one('§4.10.1 a record of its own goes first', {
    ...{ ...sub, records: { ...p('reject'), 'a.example.com': 'v=DMARC1; p=none' }, policy: 'none' },
  }),
  one('§4.10.1 sp of its own record is for what is below it', {
    ...{ ...sub, records: { ...p('none'), 'a.example.com': 'v=DMARC1; p=reject; sp=none' } },
  }),
  one('§4.10.1 no p, and nobody to report to', { ...text('v=DMARC1'), ...none }),
  one('§4.10.1 no p, somebody to report to: none', {
    ...{ ...text('v=DMARC1; rua=mailto:a@example.com'), policy: 'none' },
  }),
  one('§4.10.1 a p that is none, somebody to report to', {
    ...{ ...text('v=DMARC1; p=block; rua=mailto:a@example.com'), policy: 'none' },
  }),
  one('§4.10.1 a p that is none', { ...text('v=DMARC1; p=block'), ...none }),
  one('§4.10.1 an sp that is none', { ...text('v=DMARC1; p=reject; sp=block'), ...none }),
  one('§4.10.1 an np that is none, somebody to report to', {
    ...{ ...text('v=DMARC1; p=reject; np=x; rua=mailto:a@example.com'), policy: 'none' },
  }),
  one('§4.10.1 a rua that is no URI is nobody', {
    ...text('v=DMARC1; rua=a@example.com'),
    ...none,
  }),

  // §4.10: the walk.
  one('§4.10 no record anywhere', { records: {}, ...none }),
  one('§4.10 two records are none', {
    ...{ records: { 'example.com': ['v=DMARC1; p=none', 'v=DMARC1; p=reject'] }, ...none },
  }),
  one('§4.10 other texts beside it', {
    records: { 'example.com': ['some=thing', 'v=DMARC1; p=reject'] },
  }),
  one('§4.10 two records below: the walk goes on', {
    ...sub,
    records: { ...p('reject'), 'a.example.com': ['v=DMARC1; p=none', 'v=DMARC1; p=none'] },
  }),
  one('§4.10 from deep below', { author: 'a.b.c.d.e.f.example.com', policy: 'reject' }),
  one('§4.10 eight labels and more: the seven last are asked', {
    author: 'a.b.c.d.e.f.g.h.i.j.example.com',
  }),
  one('§4.10 of a long name, a record at its eighth label is not seen', {
    author: 'z.a.b.c.d.e.f.g.example.com',
    records: { ...p('reject'), 'a.b.c.d.e.f.g.example.com': 'v=DMARC1; p=none' },
  }),
  one('§4.10.2 without psd, a topmost name with a record is the organization', {
    ...{ author: 'a.shop.test', records: { test: 'v=DMARC1; p=reject' } },
  }),

  // §4.10.2: the organization.
  one('§4.10.2 psd=n makes an organization of a name below', {
    ...sub,
    records: { ...p('reject'), 'a.example.com': 'v=DMARC1; p=reject; psd=n' },
    dkim: ['example.com'],
  }),
  one('§4.10.2 psd=n: below it is aligned', {
    ...sub,
    records: { ...p('reject'), 'a.example.com': 'v=DMARC1; p=reject; psd=n' },
    dkim: ['x.a.example.com'],
    ...pass,
  }),
  one('§4.10.2 psd=y: one label below is the organization', {
    author: 'shop.bank',
    records: { bank: 'v=DMARC1; p=reject; psd=y', 'shop.bank': 'v=DMARC1; p=reject' },
    dkim: ['other.bank'],
  }),
  one('§4.10.2 psd=y: within the organization', {
    author: 'a.shop.bank',
    hosts: ['a.shop.bank'],
    records: { bank: 'v=DMARC1; p=reject; psd=y' },
    dkim: ['b.shop.bank'],
    ...pass,
  }),
  one('§4.10.1 the suffix speaks for those without a record', {
    author: 'shop.bank',
    hosts: ['shop.bank'],
    records: { bank: 'v=DMARC1; p=none; sp=reject; psd=y' },
  }),
  one('§4.10.1 of the suffix, np for names that are not there', {
    author: 'ghost.bank',
    records: { bank: 'v=DMARC1; p=none; sp=none; np=reject; psd=y' },
  }),
  one('§4.10.2 psd=u is the default', {
    ...{ ...sub, records: p('reject', '; psd=u'), dkim: ['b.example.com'], ...pass },
  }),
  one('§4.10.2 the topmost record is the organization', {
    ...sub,
    records: { ...p('none'), 'a.example.com': 'v=DMARC1; p=reject' },
    dkim: ['b.example.com'],
    ...pass,
  }),
  one('§4.10.2 no record above: the name itself', {
    ...sub,
    records: { 'a.example.com': 'v=DMARC1; p=reject' },
    dkim: ['example.com'],
  }),

  // §5.3.4 and §4.10: DNS that fails.
  one('§5.3 a walk that fails where it begins', {
    ...{ records: { 'example.com': lookUpFails }, result: 'temperror' },
  }),
  one('§5.3 a pass does not need what is above', {
    ...{ records: { ...p('reject'), com: lookUpFails }, spf: 'example.com', ...pass },
  }),
];

export function zoneOf({ records, hosts = [] }: DmarcCase): Record<string, ZoneRecord[]> {
  const zone: Record<string, ZoneRecord[]> = {};
  for (const [domain, given] of Object.entries(records)) {
    const texts = [given].flat();
    zone[`_dmarc.${domain}`] = texts.map((each) =>
      each === lookUpFails ? lookUpFails : { TXT: each },
    );
  }
  for (const host of hosts) zone[host] = [{ A: '192.0.2.1' }];
  return zone;
}
