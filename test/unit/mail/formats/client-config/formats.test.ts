/**
 * Aim: what mail programs are given is well-formed whatever addresses hold, and says what the services are.
 * Method: each format for one record of services; a strict little reader of XML; addresses made to break out of it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { appleProfile } from '../../../../../src/mail/formats/client-config/apple.ts';
import {
  autodiscoverAddress,
  autodiscoverAnswer,
} from '../../../../../src/mail/formats/client-config/outlook.ts';
import { serviceOf } from '../../../../../src/mail/formats/client-config/services.ts';
import { thunderbirdConfig } from '../../../../../src/mail/formats/client-config/thunderbird.ts';

const host = 'mail.example.net';
const services = [
  serviceOf('imaps', host, 993),
  serviceOf('submissions', host, 465),
  serviceOf('imap', host, 143),
  serviceOf('submission', host, 587),
  serviceOf('pop3s', host, 995),
];

/** Texts of elements by path, as `a/b=text`; throws for what is not well-formed. */
function readXml(xml: string): string[] {
  const found: string[] = [];
  const path: string[] = [];
  const body = xml
    .replace(/^<\?xml version="1\.0" encoding="(?:UTF|utf)-8"\?>\n/, '')
    .replace(/^<!DOCTYPE plist [^[>]*>\n/, '');
  let at = 0;
  for (const match of body.matchAll(/<(\/?)([\w.]+)((?: [\w:]+="[^"<]*")*)(\/?)>([^<]*)/g)) {
    assert.equal(match.index, at, `no XML: ${body.slice(at, at + 60)}`);
    at += match[0].length;
    const [, isEnd, name = '', , isEmpty, text = ''] = match;
    assert.doesNotMatch(text, /&(?!(?:lt|gt|amp|quot|apos);)|[\x00-\x08\x0b\x0c\x0e-\x1f]/);
    if (isEnd === '/') assert.equal(path.pop(), name);
    else if (isEmpty !== '/') {
      path.push(name);
      if (text.trim() !== '') found.push(`${path.join('/')}=${text}`);
    }
  }
  assert.equal(at, body.length);
  assert.deepEqual(path, []);
  return found;
}

describe('Thunderbird’s configuration', () => {
  it('names every service in order, and how to log in', () => {
    const read = readXml(thunderbirdConfig('example.org', services));
    const provider = 'clientConfig/emailProvider';
    assert.deepEqual(read.slice(0, 8), [
      `${provider}/domain=example.org`,
      `${provider}/displayName=example.org`,
      `${provider}/displayShortName=example.org`,
      `${provider}/incomingServer/hostname=${host}`,
      `${provider}/incomingServer/port=993`,
      `${provider}/incomingServer/socketType=SSL`,
      `${provider}/incomingServer/authentication=password-cleartext`,
      `${provider}/incomingServer/username=%EMAILADDRESS%`,
    ]);
    const ports = read
      .filter((line) => /\/port=/.test(line))
      .map((line) => line.split('/').slice(2));
    assert.deepEqual(
      ports.map(([server, port]) => `${server} ${port}`),
      [
        'incomingServer port=993',
        'outgoingServer port=465',
        'incomingServer port=143',
        'outgoingServer port=587',
        'incomingServer port=995',
      ],
    );
    assert.match(thunderbirdConfig('example.org', services), /type="pop3"/);
    assert.equal(read.filter((line) => line.endsWith('socketType=STARTTLS')).length, 2);
  });
});

describe('Outlook’s autodiscover', () => {
  const request = (address: string) => `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>${address}</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>`;

  it('finds the address of a request', () => {
    assert.equal(autodiscoverAddress(request('ann@example.org')), 'ann@example.org');
    assert.equal(autodiscoverAddress(request(' a&amp;b@example.org ')), 'a&b@example.org');
    const prefixed = '<a:EMailAddress>ann@example.org</a:EMailAddress>';
    assert.equal(autodiscoverAddress(prefixed), 'ann@example.org');
  });

  it('refuses entities, document types, comments and more than one address', () => {
    for (const wrong of [
      `<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>${request('&y;')}`,
      request('&y;'),
      request('&#97;@example.org'),
      request('<!-- -->ann@example.org'),
      request('<![CDATA[ann@example.org]]>'),
      `<?xml-stylesheet href="x"?>${request('ann@example.org')}`,
      request('ann@example.org') + request('bob@example.org'),
      request(`${'a'.repeat(250)}@example.org`),
      '',
      '<EMailAddress>',
    ]) {
      assert.equal(autodiscoverAddress(wrong), undefined, wrong.slice(0, 80));
    }
  });

  it('answers one service of each kind, the preferred one', () => {
    const read = readXml(autodiscoverAnswer('ann@example.org', services));
    const protocol = 'Autodiscover/Response/Account/Protocol';
    const of = (name: string) =>
      read
        .filter((line) => line.startsWith(`${protocol}/${name}=`))
        .map((line) => line.split('=')[1]);
    assert.deepEqual(of('Type'), ['IMAP', 'SMTP', 'POP3']);
    assert.deepEqual(of('Port'), ['993', '465', '995']);
    assert.deepEqual(of('SSL'), ['on', 'on', 'on']);
    assert.deepEqual(of('LoginName'), Array(3).fill('ann@example.org'));
    const clear = readXml(autodiscoverAnswer('ann@example.org', [services[2]!]));
    assert.ok(clear.includes(`${protocol}/Encryption=TLS`));
    assert.ok(clear.includes(`${protocol}/SSL=off`));
  });

  it('takes no time over what is no request', () => {
    const start = performance.now();
    assert.equal(autodiscoverAddress('<EMailAddress>'.repeat(1_200)), undefined);
    assert.equal(autodiscoverAddress(`<EMailAddress>${' '.repeat(16_000)}`), undefined);
    assert.ok(performance.now() - start < 1_000);
  });
});

describe('a profile for Apple’s Mail', () => {
  it('holds one account, the same for the same address', () => {
    const profile = appleProfile('ann@example.org', services)!;
    readXml(profile);
    const value = (key: string) =>
      new RegExp(`<key>${key}</key>\n<\\w+>([^<]*)</`).exec(profile)?.[1];
    assert.equal(value('EmailAccountType'), 'EmailTypeIMAP');
    assert.equal(value('IncomingMailServerHostName'), host);
    assert.equal(value('IncomingMailServerPortNumber'), '993');
    assert.equal(value('OutgoingMailServerPortNumber'), '465');
    assert.equal(value('IncomingMailServerUsername'), 'ann@example.org');
    assert.equal(value('PayloadOrganization'), 'example.org');
    assert.match(
      value('PayloadUUID')!,
      /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/,
    );
    assert.equal(appleProfile('ann@example.org', services), profile);
    assert.notEqual(appleProfile('bob@example.org', services), profile);
  });

  it('needs a service for each way', () => {
    assert.equal(appleProfile('ann@example.org', services.slice(0, 1)), undefined);
    assert.equal(appleProfile('ann@example.org', services.slice(1, 2)), undefined);
    const pop3 = appleProfile('ann@example.org', [services[1]!, services[4]!])!;
    assert.match(pop3, /EmailTypePOP/);
  });
});

it('no address breaks out of the XML it is put in', () => {
  const property = fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
    const address = `${text}@example.org`;
    readXml(autodiscoverAnswer(address, services));
    readXml(appleProfile(address, services)!);
    readXml(thunderbirdConfig(text, services));
  });
  const examples: [string][] = [['</LoginName><a>'], ['"\'&<>]]>'], ['\0\ud800\uffff'], ['<!--']];
  fc.assert(property, { numRuns: Number(process.env.CHASKI_FUZZ_RUNS ?? 500), examples });
});

it('no request makes autodiscover throw, and what it finds was there', () => {
  const piece = fc.constantFrom(
    ...['<EMailAddress>', '</EMailAddress>', '<x:EMailAddress>', '</x:EMailAddress>', '&amp;'],
    ...['a@b', '<!', '<?xml ?>', '&#1;', '&', '<', '>', '\0', ' '],
  );
  const property = fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const found = autodiscoverAddress(pieces.join(''));
    if (found !== undefined) assert.ok(found.length <= 254 && !found.includes('<'));
  });
  fc.assert(property, { numRuns: Number(process.env.CHASKI_FUZZ_RUNS ?? 1_000) });
});
