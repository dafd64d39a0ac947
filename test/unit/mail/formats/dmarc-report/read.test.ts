/**
 * Aim:    reports of others are read in whatever they come, and nothing that comes can hurt.
 * Method: real reports, the example of RFC 9990, and files made to be too much.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  parseDmarcReport,
  recordsMax,
  reportBytesMax,
} from '../../../../../src/mail/formats/dmarc-report/parse.ts';
import {
  attachmentsMax,
  readDmarcReports,
} from '../../../../../src/mail/formats/dmarc-report/read.ts';
import { entriesMax, unpackReport } from '../../../../../src/mail/formats/dmarc-report/unpack.ts';
import { nestingMax, readXml } from '../../../../../src/mail/formats/dmarc-report/xml.ts';
import { fixtureText } from '../../../../support/mail-fixtures.ts';

const record = (inside = '') => `<record><row><source_ip>192.0.2.123</source_ip><count>123</count>
<policy_evaluated><disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf>${inside}</policy_evaluated></row>
<identifiers><envelope_from>example.com</envelope_from><header_from>Example.COM</header_from></identifiers>
<auth_results><dkim><domain>example.com</domain><selector>abc123</selector><result>pass</result></dkim>
<spf><domain>example.com</domain><scope>mfrom</scope><result>fail</result></spf></auth_results></record>`;

const report = (records = record(), head = '') => `<?xml version="1.0" encoding="UTF-8"?>${head}
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0" xmlns:ext="URI">
<version>1.0</version>
<report_metadata><org_name>Sample &amp; Reporter</org_name><email>r@example-reporter.com</email>
<extra_contact_info lang="en">none</extra_contact_info>
<report_id>3v98abbp8ya9n3va8yr8oa3ya</report_id>
<date_range><begin>302832000</begin><end>302918399</end></date_range>
<generator>Example v1.2</generator></report_metadata>
<policy_published><domain>example.com</domain><p>quarantine</p><sp>none</sp><np>none</np>
<testing>n</testing><discovery_method>treewalk</discovery_method></policy_published>
<extension><ext:arc-override>never</ext:arc-override></extension>
${records}</feedback>`;

/** An archive of one kind of entry, as often as said; sizes may lie. */
function zip(name: string, content: Uint8Array, count = 1, saidBytes = content.length): Buffer {
  const packed = deflateRawSync(content);
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 8);
    local.writeUInt32LE(crc32(content), 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(saidBytes, 22);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 8);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(saidBytes, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(local, Buffer.from(name), packed);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

test('RFC 9990 appendix B: a report with a namespace, an extension and attributes', () => {
  const { reports } = readDmarcReports(Buffer.from(report()));
  const [found] = reports;
  assert.equal(found!.organization, 'Sample & Reporter');
  assert.equal(found!.extraContact, 'none');
  assert.deepEqual([found!.startMs, found!.endMs], [302_832_000_000, 302_918_399_000]);
  assert.deepEqual(found!.policy, {
    ...{ domain: 'example.com', p: 'quarantine', sp: 'none', np: 'none', adkim: '', aspf: '' },
    ...{ fo: '', isTesting: false, discovery: 'treewalk' },
  });
  assert.deepEqual(found!.records, [
    {
      ...{ sourceAddress: '192.0.2.123', count: 123, disposition: 'pass', dkim: 'pass' },
      ...{ spf: 'fail', reasons: [], headerFrom: 'example.com', envelopeFrom: 'example.com' },
      envelopeTo: '',
      dkimResults: [{ domain: 'example.com', selector: 'abc123', result: 'pass' }],
      spfResults: [{ domain: 'example.com', result: 'fail' }],
    },
  ]);
});

test('reports of large providers, as mails with zip and gzip', () => {
  const mails = {
    'mime/mox/dmarc-reports__google.eml': ['google.com', 'ueber.net', 2],
    'mime/mox/dmarc-reports__outlook.eml': ['Outlook.com', 'ueber.net', 1],
    'mime/mox/dmarc-reports__yahoo.eml': ['Yahoo! Inc.', 'ueber.net', 1],
    'mime/mail-auth/dmarc-feedback__102.eml': ['Mail.Ru', 'stalw.art', 1],
  };
  for (const [name, expected] of Object.entries(mails)) {
    const { reports } = readDmarcReports(Buffer.from(fixtureText(name), 'latin1'));
    const told = reports.map((each) => [
      each.organization,
      each.policy.domain,
      each.records.length,
    ]);
    assert.deepEqual(told, [expected], name);
  }
});

test('RFC 9991: a failure report tells of one message', () => {
  const bytes = Buffer.from(
    fixtureText('mime/parsedmarc/failure__dmarc_ruf_report_linkedin.crlf.eml'),
    'latin1',
  );
  const { reports, failures } = readDmarcReports(bytes);
  assert.equal(reports.length, 0);
  const [found] = failures;
  assert.deepEqual(
    [found!.kind, found!.domain, found!.sourceAddress, found!.headerFrom],
    ['dmarc', 'example.com', '10.10.10.10', 'Sender <sender@example.com>'],
  );
});

test('XML, gzip, gzip twice and zip hold the same', () => {
  const xml = Buffer.from(report());
  for (const bytes of [xml, gzipSync(xml), gzipSync(gzipSync(xml)), zip('a!b!1!2.xml', xml)]) {
    assert.equal(readDmarcReports(bytes).reports[0]?.id, '3v98abbp8ya9n3va8yr8oa3ya');
  }
});

test('entities are not expanded: a document type is refused wherever it stands', () => {
  const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>';
  assert.equal(parseDmarcReport(Buffer.from(report(record('&b;'), bomb))), undefined);
  const outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>';
  assert.equal(parseDmarcReport(Buffer.from(report(undefined, outside))), undefined);
  const late = `${report().slice(0, -11)}${bomb}</feedback>`;
  assert.equal(parseDmarcReport(Buffer.from(late)), undefined);
});

test('bombs stop at the limit, whatever they say of their size', () => {
  const large = Buffer.alloc(reportBytesMax + 1, ' ');
  assert.equal(unpackReport(gzipSync(large)), undefined);
  assert.equal(unpackReport(gzipSync(gzipSync(large))), undefined);
  assert.equal(unpackReport(zip('a.xml', large, 1, 10)), undefined);
  assert.equal(unpackReport(large), undefined);
  assert.equal(unpackReport(gzipSync(large.subarray(1)))?.length, reportBytesMax);
  const others = zip('a.txt', Buffer.from('x'), entriesMax);
  assert.equal(unpackReport(others), undefined);
});

test('nesting, records and texts have limits', () => {
  const nested = (depth: number) => `<r>${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}</r>`;
  assert.notEqual(readXml(`<r>${nested(nestingMax - 3)}</r>`, 'r'), undefined);
  assert.equal(readXml(nested(nestingMax + 5), 'r'), undefined);
  const short = '<record><row><count>1</count></row></record>';
  const many = (count: number) => parseDmarcReport(Buffer.from(report(short.repeat(count))));
  assert.equal(many(recordsMax)?.records.length, recordsMax);
  assert.equal(many(recordsMax + 1), undefined);
  const reasons = '<reason><type>other</type></reason>'.repeat(50);
  const [row] = parseDmarcReport(Buffer.from(report(record(reasons))))!.records;
  assert.equal(row!.reasons.length, 10);
  const long = report().replace('Example v1.2', `\u202e${'x'.repeat(1_000)}`);
  const { generator } = parseDmarcReport(Buffer.from(long))!;
  assert.match(generator, /^x{254}$/);
});

test('a mail is looked through to so many attachments', () => {
  const part = (text: string) => `--b\r\nContent-Type: text/xml\r\n\r\n${text}\r\n`;
  const mail = (before: number) =>
    Buffer.from(
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n${part('<x/>').repeat(before)}${part(report())}--b--\r\n`,
    );
  assert.equal(readDmarcReports(mail(attachmentsMax - 1)).reports.length, 1);
  assert.equal(readDmarcReports(mail(attachmentsMax)).reports.length, 0);
});

test('what is no report is none', () => {
  for (const text of ['', '<', '<feedback/>', '<html></html>', 'PK', report().slice(0, 900)]) {
    assert.deepEqual(readDmarcReports(Buffer.from(text)).reports, [], text.slice(0, 20));
  }
  const proto = report(record(), '').replace('<row>', '<__proto__>1</__proto__><row>');
  readDmarcReports(Buffer.from(proto));
  assert.equal(({} as Record<string, unknown>).row, undefined);
});

test('any change of a report is read or is none, and never throws', () => {
  const sources = [Buffer.from(report()), gzipSync(report()), zip('a.xml', Buffer.from(report()))];
  fc.assert(
    fc.property(
      fc.constantFrom(...sources),
      fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 8 }),
      (source, changes) => {
        const bytes = Buffer.from(source);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        readDmarcReports(bytes);
      },
    ),
  );
});
