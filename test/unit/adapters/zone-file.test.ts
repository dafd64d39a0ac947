/** Aim: zone files are read as RFC 1035 §5.1 has them, and what is wrong in one is told by line. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseZone } from '../../../src/adapters/zone-file/parse.ts';
import { ZoneFault, ZoneFileDns } from '../../../src/adapters/zone-file/zone-file-dns.ts';

const zone = `
$ORIGIN example.org.
$TTL 300
@       IN SOA ns hostmaster ( 1 2 3
                               4 5 ) ; of no use here
        IN MX 10 mx
        MX 20 mx.example.net.
        600 IN TXT "v=spf1 mx" " -all" ; two strings are one
mx      A 192.0.2.1
        A 192.0.2.2
        AAAA 2001:db8::1
alias   CNAME mx
long    TXT ( "a;b"
              "c\\"d\\032e" )
_sip._tcp SRV 1 2 5060 mx
loop1   CNAME loop2
loop2   CNAME loop1
1.2.0.192.in-addr.arpa. PTR mx
`;

describe('a zone file', () => {
  const dns = new ZoneFileDns(zone);
  const values = async (answer: Promise<{ ok: boolean; records?: readonly unknown[] }>) => {
    const { ok, records } = await answer;
    return ok ? records : 'none';
  };

  it('gives its records, names below the origin', async () => {
    assert.deepEqual(await values(dns.a('MX.example.org')), ['192.0.2.1', '192.0.2.2']);
    assert.deepEqual(await values(dns.aaaa('mx.example.org')), ['2001:db8::1']);
    assert.deepEqual(await values(dns.mx('example.org')), [
      { preference: 10, exchange: 'mx.example.org' },
      { preference: 20, exchange: 'mx.example.net' },
    ]);
    assert.deepEqual(await values(dns.srv('_sip._tcp.example.org')), [
      { priority: 1, weight: 2, port: 5060, target: 'mx.example.org' },
    ]);
    assert.deepEqual(await values(dns.ptr('192.0.2.1')), ['mx.example.org']);
    assert.deepEqual(await values(dns.cname('alias.example.org')), ['mx.example.org']);
  });

  it('joins the strings of a TXT record, and undoes escapes', async () => {
    assert.deepEqual(await values(dns.txt('example.org')), ['v=spf1 mx -all']);
    assert.deepEqual(await values(dns.txt('long.example.org')), ['a;bc"d e']);
  });

  it('has the TTL of the record, else of the zone', async () => {
    const txt = await dns.txt('example.org');
    const a = await dns.a('mx.example.org');
    assert.deepEqual([txt.ok && txt.ttlSeconds, a.ok && a.ttlSeconds], [600, 300]);
  });

  it('follows aliases, and not for ever', async () => {
    assert.deepEqual(await values(dns.a('alias.example.org')), ['192.0.2.1', '192.0.2.2']);
    const loop = await dns.a('loop1.example.org');
    assert.deepEqual([loop.ok, !loop.ok && loop.reason], [false, 'failed']);
  });

  it('tells what is not there from what has no such record', async () => {
    const [missing, empty] = [await dns.a('none.example.org'), await dns.txt('mx.example.org')];
    assert.equal(!missing.ok && missing.reason, 'missing');
    assert.equal(!empty.ok && empty.reason, 'empty');
    assert.equal((await dns.tlsa('mx.example.org')).ok, false);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['a A', /^line 1: values of A: 1 wanted/],
    ['\n\na FOO x', /^line 3: "FOO" is no type/],
    [' A 192.0.2.1', /^line 1: the first record has no name/],
    ['$INCLUDE x', /^line 1: \$INCLUDE x is not known/],
    ['$TTL soon', /^line 1: /],
    ['a TXT ( "x"', /^line 1: a "\(" without/],
    ['a MX 10', /values of MX: 2 wanted/],
  ];
  for (const [text, words] of wrong) {
    it(`tells what is wrong: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseZone(text),
        (error) => error instanceof ZoneFault && words.test(error.message),
      );
    });
  }

  it('of any text is read, or is a fault with a line', () => {
    const word = fc.constantFrom(
      'a',
      'A',
      'TXT',
      '"x"',
      '(',
      ')',
      '\n',
      ' ',
      ';',
      '$TTL',
      '1',
      'IN',
      '"',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        try {
          parseZone(words.join(' '));
        } catch (error) {
          assert.ok(error instanceof ZoneFault, String(error));
          assert.match(error.message, /^line \d+: /);
        }
      }),
    );
  });
});
