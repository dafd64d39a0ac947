/** Aim: files that settings name for mail to other servers are read at the start, or said to be wrong then. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { openOutside } from '../../../src/app/outside.ts';
import { MailError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { testCertificate } from '../../support/certificate.ts';
import { testSettings } from '../../support/test-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'chaski-outside-'));
after(() => rmSync(folder, { recursive: true }));

async function opened(setting: string, text?: string) {
  const file = join(folder, 'file');
  rmSync(file, { force: true });
  const settings = testSettings(folder);
  const relay = { ...settings.relay, [setting]: file };
  if (text !== undefined) writeFileSync(file, text);
  try {
    return (await openOutside({ ...settings, relay }, silentLog, true)).forThreads;
  } catch (error) {
    assert.ok(error instanceof MailError);
    return `${error.code} ${error.detail.split(':', 1)[0]}`;
  }
}

it('authorities are certificates, and nothing else of their file', async () => {
  const { cert } = testCertificate();
  const roots = await opened('caFile', `# ours\n${cert}\nand a comment\n${cert}`);
  assert.ok(typeof roots === 'object');
  assert.equal(roots.relayRoots, [cert.trim(), cert.trim()].join('\n'));
  const fault = 'argument-invalid relay.caFile';
  assert.equal(await opened('caFile'), fault);
  assert.equal(await opened('caFile', 'no certificates'), fault);
  assert.equal(await opened('caFile', cert.replace(/[A-Z]{3}/g, 'AAA')), fault);
});

it('the password is the first line of its file', async () => {
  const read = await opened('passwordFile', 'secret word\r\nmore\n');
  assert.ok(typeof read === 'object');
  assert.equal(read.relayPassword, 'secret word');
  assert.equal(await opened('passwordFile'), 'argument-invalid relay.passwordFile');
});

it('policies are kept where mail goes by MX and settings want them', async () => {
  const settings = testSettings(folder);
  const isKept = async (relay: Partial<typeof settings.relay>, isOffline = false) => {
    const changed = { ...settings, relay: { ...settings.relay, ...relay } };
    const { policies } = await openOutside(changed, silentLog, isOffline);
    return policies !== undefined;
  };
  const route = { kind: 'host', host: '192.0.2.1', port: 25 } as const;
  assert.equal(await isKept({}), true);
  assert.equal(await isKept({ route }), false);
  assert.equal(
    await isKept({ route, routes: [{ domain: 'x.test', route: { kind: 'mx' } }] }),
    true,
  );
  assert.equal(await isKept({ mtaSts: false }), false);
  assert.equal(await isKept({}, true), false);
});
