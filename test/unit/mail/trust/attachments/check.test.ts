/**
 * Aim: what should not come is found by name and by content, in archives too; what is usual is not; no bytes do harm.
 * Method: archives and documents made by hand, and bytes at random.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkAttachments } from '../../../../../src/mail/trust/attachments/check.ts';
import { extensionsOf } from '../../../../../src/mail/trust/attachments/names.ts';
import { usualAttachmentTypes } from '../../../../../src/settings/attachment-types.ts';
import { messageWith, zipOf } from '../../../../support/zip-maker.ts';

const types = new Set(usualAttachmentTypes);
const text = Buffer.from('just text');
const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200, 1)]);
const compound = (stream: string) =>
  Buffer.concat([
    Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    Buffer.alloc(600),
    Buffer.from(stream, 'utf16le'),
    Buffer.alloc(100),
  ]);

async function found(name: string, bytes: Uint8Array, isCut = false): Promise<string[]> {
  const findings = await checkAttachments(messageWith([[name, bytes]]), { types, isCut });
  return findings.map(({ kind, detail, name: of }) => `${kind} ${detail} ${of}`);
}

describe('a name', () => {
  it('has the extension that a program would see', () => {
    for (const [name, extension] of [
      ...([
        ['a.exe', 'exe'],
        ['A.ExE', 'exe'],
        ['a.pdf.exe', 'exe'],
        ['a.exe. . ', 'exe'],
        ['a.exe\u0000', 'exe'],
        ['ann\u202efdp.exe', 'exe'],
        ['dir.exe/readme', ''],
        ['a.exe:stream', 'exe'],
        ['exe', ''],
        ['', ''],
      ] as const),
    ]) {
      assert.deepEqual(extensionsOf(name), extension === '' ? [] : [extension], name);
    }
  });
});

describe('an attachment', () => {
  it('of a type that is not to come is found, one of another is not', async () => {
    assert.deepEqual(await found('run.js', text), ['type js run.js']);
    assert.deepEqual(await found('report.pdf', Buffer.from('%PDF-1.7')), []);
    assert.deepEqual(await found('song.mp3', text), []);
  });

  it('RFC 2231: with a name in pieces, or in encoded words, is found', async () => {
    const part = (field: string) =>
      Buffer.from(`From: a@b.test\r\nContent-Type: application/x\r\n${field}\r\n\r\nx\r\n`);
    for (const field of [
      'Content-Disposition: attachment; filename*0="a.e"; filename*1="xe"',
      "Content-Disposition: attachment; filename*=utf-8''a%2Eexe",
      'Content-Disposition: attachment; filename="=?utf-8?b?YS5leGU=?="',
    ]) {
      const findings = await checkAttachments(part(field), { types, isCut: false });
      assert.deepEqual(
        findings.map(({ kind }) => kind),
        ['type'],
        field,
      );
    }
  });

  it('that is a program under another name, or a name that reads as another, is found', async () => {
    assert.deepEqual(await found('photo.jpg', program), ['disguised program photo.jpg']);
    assert.deepEqual(await found('setup.exe', program), ['type exe setup.exe']);
    assert.deepEqual(await found('ann\u202efdp.exe', text), [
      ...['type exe ann?fdp.exe', 'disguised name ann?fdp.exe'],
    ]);
    assert.deepEqual(await found('note.txt', Buffer.from('MZ is text')), []);
  });

  it('with macros or objects is found', async () => {
    const macros = zipOf([
      { name: 'word/document.xml', bytes: text },
      { name: 'word/vbaProject.bin', bytes: text },
    ]);
    assert.deepEqual(await found('a.docm', macros), ['macro VBA a.docm']);
    assert.deepEqual(await found('a.doc', compound('_VBA_PROJECT')), ['macro VBA a.doc']);
    assert.deepEqual(await found('a.doc', compound('WordDocument')), []);
    assert.deepEqual(await found('a.doc', Buffer.from('{\\rtf1{\\object\\objdata 01}}')), [
      'macro object a.doc',
    ]);
    assert.deepEqual(await found('a.docx', zipOf([{ name: 'word/a.xml', bytes: text }])), []);
  });

  it('under a password is found', async () => {
    const locked = zipOf([{ name: 'a.txt', bytes: text, isLocked: true }]);
    assert.deepEqual(await found('a.zip', locked), ['encrypted ZIP a.zip']);
    assert.deepEqual(await found('a.xlsx', compound('EncryptedPackage')), [
      'encrypted document a.xlsx',
    ]);
  });
});

describe('an archive', () => {
  it('is looked into, and what is in it too', async () => {
    const inner = zipOf([{ name: 'run.vbs', bytes: text }]);
    const outer = zipOf([
      { name: 'readme.txt', bytes: text },
      { name: 'more/inner.zip', bytes: inner },
      { name: 'a.doc', bytes: compound('_VBA_PROJECT') },
    ]);
    assert.deepEqual(await found('a.zip', outer), ['type vbs run.vbs', 'macro VBA a.doc']);
    assert.deepEqual(await found('report.pdf', outer), ['type vbs run.vbs', 'macro VBA a.doc']);
  });

  it('too deep, too large or with too many files is found, and costs no more', async () => {
    let nested = zipOf([{ name: 'a.txt', bytes: text }]);
    for (let i = 0; i < 5; i++) nested = zipOf([{ name: 'a.zip', bytes: nested }]);
    assert.deepEqual(await found('b.zip', nested), ['deep archive a.zip']);
    const bomb = zipOf([{ name: 'a.zip', bytes: Buffer.alloc(20 * 1_048_576) }]);
    assert.deepEqual(await found('b.zip', bomb), ['deep zip b.zip']);
    const files = Array.from({ length: 2_500 }, (_, i) => ({ name: `${i}.txt`, bytes: text }));
    assert.deepEqual(await found('b.zip', zipOf(files)), ['deep entries b.zip']);
  });

  it('that says less than it holds is not inflated further', async () => {
    const lying = zipOf([{ name: 'a.zip', bytes: Buffer.alloc(30 * 1_048_576), saidBytes: 10 }]);
    assert.deepEqual(await found('b.zip', lying), ['deep zip b.zip']);
  });

  it('that is damaged is found, but not where the message was cut', async () => {
    const whole = zipOf([{ name: 'a.txt', bytes: text }]);
    const cut = whole.subarray(0, -30);
    assert.deepEqual(await found('a.zip', cut), ['damaged ZIP a.zip']);
    const message = messageWith([['a.zip', whole]]).subarray(0, -40);
    assert.deepEqual(await checkAttachments(message, { types, isCut: true }), []);
    assert.equal((await checkAttachments(message, { types, isCut: false })).length, 1);
  });
});

describe('any bytes', () => {
  it('are looked at without harm', async () => {
    const magics = ['PK\x03\x04', 'PK\x05\x06', 'Rar!\x1a\x07\x00', 'Rar!\x1a\x07\x01\x00'];
    const beginnings = [...magics, '7z\xbc\xaf\x27\x1c', '{\\rtf', 'MZ', ''];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...beginnings),
        fc.uint8Array({ maxLength: 400 }),
        fc.string({ maxLength: 30 }),
        async (beginning, bytes, name) => {
          const all = Buffer.concat([Buffer.from(beginning, 'latin1'), bytes]);
          const plain = name.replace(/["\\\r\n]/g, '');
          const findings = await found(plain, all);
          assert.ok(findings.every((line) => /^[\x20-\x7e]+$/.test(line)));
          await checkAttachments(all, { types, isCut: false });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of a valid archive, one of them changed, are no harm either', async () => {
    const zip = zipOf([
      { name: 'word/vbaProject.bin', bytes: text },
      { name: 'inner.zip', bytes: zipOf([{ name: 'x.js', bytes: text }]) },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(zip.length - 1), fc.nat(255), async (at, byte) => {
        const changed = Buffer.from(zip);
        changed[at] = byte;
        assert.ok((await found('a.zip', changed)).length <= 20);
      }),
      { numRuns: 300 },
    );
  });
});
