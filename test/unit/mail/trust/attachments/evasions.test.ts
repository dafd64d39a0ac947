/**
 * Aim:    what is hidden from a strict reader is found, for the programs that open files are not strict; and no bytes
 *         take more time than they are worth.
 * Method: messages and archives that are wrong, each in one way.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { checkAttachments } from '../../../../../src/mail/trust/attachments/check.ts';
import { extensionsOf } from '../../../../../src/mail/trust/attachments/names.ts';
import { usualAttachmentTypes } from '../../../../../src/settings/attachment-types.ts';
import { messageWith, type ZipFileMade, zipOf } from '../../../../support/zip-maker.ts';

const types = new Set(usualAttachmentTypes);
const text = Buffer.from('just text');
const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200, 1)]);
const exe = zipOf([{ name: 'run.exe', bytes: text }]);
const oneMebibyte = 1_048_576;
/** Far above what each takes, far below what it would. */
const quick = { timeout: 8_000 };

async function found(message: Uint8Array): Promise<string[]> {
  const findings = await checkAttachments(message, { types, isCut: false });
  return findings.map(({ kind, detail, name: of }) => `${kind} ${detail} ${of}`);
}

const foundIn = (name: string, bytes: Uint8Array) => found(messageWith([[name, bytes]]));
const part = (header: string, body = 'x') =>
  Buffer.from(
    `From: a@b.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${header}\r\n\r\n${body}\r\n--b--\r\n`,
  );

function uuencoded(bytes: Buffer): string {
  const character = (value: number) => (value === 0 ? '`' : String.fromCharCode(32 + value));
  let text = '';
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45);
    text += character(line.length);
    for (let from = 0; from < line.length; from += 3) {
      const group = [0, 1, 2].reduce((sum, i) => sum * 256 + (line[from + i] ?? 0), 0);
      text += [18, 12, 6, 0].map((shift) => character((group >> shift) & 63)).join('');
    }
    text += '\r\n';
  }
  return text;
}

describe('names', () => {
  it('are those that any program would go by', async () => {
    for (const header of [
      'Content-Type: application/x; name="a.exe"\r\nContent-Disposition: attachment; filename="a.txt"',
      'Content-Type: text/plain; name="a.txt"\r\nContent-Disposition: attachment; filename="a.exe"',
      'Content-Disposition: ; filename="a.exe"',
      'Content-Type: nonsense; name=a.exe',
      'Content-Disposition: attachment; filename=a.txt\r\nContent-Disposition: attachment; filename=a.exe',
      'Content-Disposition: attachment; filename=a.txt; filename=a.exe',
      "Content-Disposition: attachment; filename*=utf-8''a.txt; filename=a.exe",
      'Content-Type: message/rfc822; name=a.exe',
      'Content-Type: multipart/mixed; boundary=c; name=a.exe',
    ]) {
      assert.deepEqual(await found(part(header)), ['type exe a.exe'], header);
    }
  });

  it('have each extension that a program may see', () => {
    for (const name of ['a:b.exe', 'a.exe\u0000.txt', 'a.exe/', 'a.exe"', '=?utf-8?Q?a.exe?=']) {
      assert.ok(extensionsOf(name).includes('exe'), name);
    }
    assert.deepEqual(extensionsOf('an offer (example.com)'), ['com)']);
  });

  it('of any length are read in linear time', quick, async () => {
    const long = `${'.'.repeat(60_000)}x`;
    assert.deepEqual(await foundIn('a.zip', zipOf([{ name: long, bytes: text }])), []);
    assert.deepEqual(extensionsOf(`${'. '.repeat(500_000)}x`), ['x']);
  });
});

describe('a message', () => {
  it('with findings that are let pass has room for those that are not', async () => {
    const locked = zipOf([{ name: 'a.txt', bytes: text, isLocked: true }]);
    const mild = Array.from({ length: 30 }, (_, i) => [`${i}.zip`, locked] as const);
    const findings = await found(messageWith([...mild, ['run.exe', text]]));
    assert.equal(findings.length, 21);
    assert.equal(findings.at(-1), 'type exe run.exe');
  });

  it('with more parts than are looked at, or deeper ones, says so', async () => {
    const many = Array.from({ length: 999 }, (_, i) => [`${i}.txt`, text] as const);
    assert.deepEqual(await found(messageWith(many.slice(2))), []);
    assert.deepEqual(await found(messageWith([...many, ['run.exe', text]])), ['deep parts ']);
    let nested = 'Content-Disposition: attachment; filename=a.exe\r\n\r\nx';
    for (let i = 0; i < 60; i++)
      nested = `Content-Type: multipart/mixed; boundary=b${i}z\r\n\r\n--b${i}z\r\n${nested}\r\n--b${i}z--\r\n`;
    assert.deepEqual(await found(Buffer.from(`From: a@b.test\r\n${nested}`)), ['deep parts ']);
  });

  it('with a header of a part that is not read to its end says so', async () => {
    const filler = 'X-A: b\r\n'.repeat(3_000);
    const header = `${filler}Content-Disposition: attachment; filename=a.exe`;
    assert.deepEqual(await found(part(header)), ['deep header ']);
  });

  it('in a message is looked into, as a part, as a file, encoded and in an archive', async () => {
    const inner = messageWith([['run.exe', text]]);
    const wanted = ['type exe run.exe'];
    assert.deepEqual(await found(part('Content-Type: message/rfc822', String(inner))), wanted);
    assert.deepEqual(await foundIn('a.eml', inner), wanted);
    assert.deepEqual(await foundIn('a.zip', zipOf([{ name: 'a.eml', bytes: inner }])), wanted);
    const encoded = 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64';
    assert.deepEqual(await found(part(encoded, inner.toString('base64'))), wanted);
    const long = Buffer.from(`From: a@b.test\r\n\r\n${'A line.\r\n'.repeat(20_000)}`);
    const lines = long.toString('base64').replace(/.{60}/g, '$&\r\n');
    assert.deepEqual(await found(part(encoded, lines)), []);
    let deep: Uint8Array = inner;
    for (let i = 0; i < 6; i++) deep = messageWith([['a.eml', deep]]);
    assert.deepEqual(await found(deep), ['deep message a.eml']);
  });

  it('as mail was before MIME has its files looked into', async () => {
    const body = 'See this.\r\nbegin 644 run.exe\r\n#0V%T\r\n`\r\nend\r\n';
    assert.deepEqual(await found(part('Content-Type: text/plain', body)), ['type exe run.exe']);
    const said = 'I begin 644 run.exe\r\nbegin anew with run.exe\r\n';
    assert.deepEqual(await found(part('Content-Type: text/plain', said)), []);
    const uu = `begin 600 a.zip\r\n${uuencoded(exe)}\`\r\nend\r\n`;
    const lines = exe.toString('base64').replace(/.{60}/g, '$&\r\n');
    const base64 = `begin-base64 600 a.zip\r\n${lines}\r\n====\r\n`;
    for (const [type, text] of [
      ['text/plain', `${said}${uu}`],
      ['text/plain', base64],
      ['application/zip; name=a.zip\r\nContent-Transfer-Encoding: x-uuencode', uu],
    ] as const) {
      assert.deepEqual(await found(part(`Content-Type: ${type}`, text)), ['type exe run.exe']);
    }
  });

  it('whose base64 has padding within is decoded to its end', async () => {
    const header =
      'Content-Disposition: attachment; filename=a.zip\r\nContent-Transfer-Encoding: base64';
    const body = `AA==\r\n${exe.toString('base64')}`;
    assert.deepEqual(await found(part(header, body)), ['type exe run.exe']);
  });
});

describe('an archive', () => {
  const patched = (patch: (zip: Buffer) => void, files: readonly ZipFileMade[]) => {
    const zip = Buffer.from(zipOf(files));
    patch(zip);
    return zip;
  };
  const two = [
    { name: 'a.txt', bytes: text },
    { name: 'run.exe', bytes: text },
  ];

  it('is read as the most lenient program reads it', async () => {
    const wrong: Readonly<Record<string, Buffer>> = {
      'bytes behind it': Buffer.concat([exe, Buffer.from('more')]),
      'bytes before it': Buffer.concat([Buffer.from('GIF89a'), exe]),
      'a document before it': Buffer.concat([Buffer.from('{\\rtf1 }'), exe]),
      'a mark of pieces': Buffer.concat([Buffer.from('PK\x07\x08'), exe]),
      'fewer entries than there are': patched((zip) => {
        zip.writeUInt16LE(1, zip.length - 14);
        zip.writeUInt16LE(1, zip.length - 12);
      }, two),
      'a directory elsewhere': patched((zip) => zip.writeUInt32LE(7, zip.length - 6), two),
      'a directory that says other names': patched((zip) => {
        zip.write('run.txt', zip.lastIndexOf('run.exe'));
      }, two),
      'files that say other names': patched((zip) => {
        zip.write('run.txt', zip.indexOf('run.exe'));
      }, two),
    };
    for (const [how, bytes] of Object.entries(wrong)) {
      assert.deepEqual(await foundIn('a.zip', bytes), ['type exe run.exe'], how);
    }
  });

  it('names its files in Unicode beside', async () => {
    const field = Buffer.concat([
      Buffer.from([0x75, 0x70, 12, 0, 1, 0, 0, 0, 0]),
      Buffer.from('run.exe'),
    ]);
    const name = 'a.txt';
    const header = Buffer.alloc(30);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(name.length, 26);
    header.writeUInt16LE(field.length, 28);
    const zip = Buffer.concat([header, Buffer.from(name), field, zipOf([])]);
    assert.deepEqual(await foundIn('a.zip', zip), ['type exe run.exe']);
  });

  it('holds what its files are, whatever they are called', async () => {
    const inner = zipOf([{ name: 'photo.jpg', bytes: program }]);
    const outer = zipOf([{ name: 'notes', bytes: inner }]);
    assert.deepEqual(await foundIn('a.zip', outer), ['disguised program photo.jpg']);
  });

  it('without a file that its directory names, and would be looked into, says so', async () => {
    const files = [{ name: 'a.docm', bytes: text }];
    const zip = patched((bytes) => bytes.write('PK\x00\x00', 0, 'latin1'), files);
    const named = Buffer.concat([Buffer.from('PK\x05\x06'), zip]);
    assert.deepEqual(await foundIn('a.zip', named), ['deep directory a.zip']);
  });

  it('of files that fail at their ends is not inflated time and again', quick, async () => {
    const packed = deflateRawSync(Buffer.alloc(15 * oneMebibyte));
    const cut = Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8, 255)]);
    const header = Buffer.alloc(30);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(8, 8);
    header.writeUInt32LE(cut.length, 18);
    header.writeUInt16LE(5, 26);
    const file = Buffer.concat([header, Buffer.from('a.zip'), cut]);
    const zip = Buffer.concat([...Array.from({ length: 500 }, () => file), zipOf([])]);
    assert.deepEqual(await foundIn('b.zip', zip), ['deep zip b.zip']);
  });

  it('whose names lie in each other is read in time', quick, async () => {
    const header = Buffer.alloc(46);
    header.write('PK\x01\x02', 'latin1');
    header.writeUInt16LE(65_535, 28);
    const zip = Buffer.concat([...Array.from({ length: 3_000 }, () => header), exe]);
    const inner = Array.from({ length: 100 }, (_, i) => ({ name: `${i}.zip`, bytes: zip }));
    assert.ok((await foundIn('a.zip', zipOf(inner))).includes('deep entries a.zip'));
  });
});

describe('a RAR archive', () => {
  const number = (value: number) => {
    const bytes = [0, 7, 14, 21].map((shift) => ((value >> shift) & 127) | 128);
    return Buffer.from([...bytes, value >>> 28]);
  };

  it('whose headers say that they hold each other is read in time', quick, async () => {
    const fillerBytes = 2 * oneMebibyte;
    const filler = Buffer.alloc(fillerBytes);
    for (let at = 0; at < fillerBytes; at += 2) filler.set([1, 2], at);
    const head = (size: number) =>
      Buffer.concat([Buffer.alloc(4), ...[number(size), Buffer.from([2, 1]), number(fillerBytes)]]);
    const rar = Buffer.concat([
      Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1'),
      ...[head(7 + fillerBytes), filler],
      ...Array.from({ length: 900 }, () => head(7)),
    ]);
    assert.deepEqual(await foundIn('a.rar', rar), []);
  });
});

describe('a document', () => {
  const typesOf = (type: string) =>
    `<Types><Override PartName="/x.bin" ContentType="${type}"/></Types>`;
  const vba = typesOf('application/vnd.ms-office.vbaProject');

  it('has macros whatever the part is called, and however its type is written', async () => {
    const sheet = typesOf('application/vnd.ms-excel.macrosheet+xml');
    const cases = [
      [vba, 'macro VBA a.docm'],
      [vba.replace('vbaProject', '&#118;ba&#x50;roject'), 'macro VBA a.docm'],
      [sheet, 'macro Excel 4 a.docm'],
    ] as const;
    for (const [content, finding] of cases) {
      for (const bytes of [Buffer.from(content), Buffer.from(`\ufeff${content}`, 'utf16le')]) {
        const zip = zipOf([{ name: '[Content_Types].xml', bytes }]);
        assert.deepEqual(await foundIn('a.docm', zip), [finding]);
      }
    }
    const plain = typesOf('application/vnd.openxmlformats-officedocument.theme+xml');
    const zip = zipOf([{ name: '[Content_Types].xml', bytes: Buffer.from(plain) }]);
    assert.deepEqual(await foundIn('a.docx', zip), []);
  });

  it('has macros in an archive too, of any kind of document', async () => {
    const zip = zipOf([{ name: 'xl/vbaProject.bin', bytes: text }]);
    for (const name of ['a.xlsb', 'a.ppsm', 'a.potm']) {
      const outer = zipOf([{ name, bytes: zip }]);
      assert.deepEqual(await foundIn('b.zip', outer), [`macro VBA ${name}`]);
    }
  });

  it('[MS-CFB]: has names that are compared without case', async () => {
    const document = (stream: string) =>
      Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.from(stream, 'utf16le')]);
    assert.deepEqual(await foundIn('a.doc', document('_vba_pRoject')), ['macro VBA a.doc']);
    assert.deepEqual(await foundIn('a.doc', document('ENCRYPTEDpackage')), [
      'encrypted document a.doc',
    ]);
  });
});

describe('text', () => {
  it('that begins as a program does is none', async () => {
    assert.deepEqual(await foundIn('note.txt', Buffer.from(`MZ ${'is a line. '.repeat(20)}`)), []);
  });
});
