/** Aim: programs are told of what they can reach, and of nothing else. Method: settings as operators write them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../../src/settings/load.ts';
import { publicServices, publicWebHost } from '../../../src/settings/public-services.ts';
import type { Settings } from '../../../src/settings/schema.ts';

function settingsOf(...assignments: readonly string[]): Settings {
  const loaded = load({ environment: {}, assignments });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.settings;
}

const told = (settings: Settings) =>
  publicServices(settings).map(({ name, host, port }) => `${name} ${host} ${port}`);

test('listeners off loopback are told, under hostname, those with implicit TLS first', () => {
  const settings = settingsOf(
    'hostname=Mail.example.org',
    'listen.imaps=127.0.0.1:2993, 0.0.0.0:993',
    'listen.imap=[::]:143',
    'listen.submissions=0.0.0.0:465',
    'listen.pop3s=',
    'listen.managesieve=0.0.0.0:4190',
  );
  assert.deepEqual(told(settings), [
    'imaps mail.example.org 993',
    'submissions mail.example.org 465',
    'imap mail.example.org 143',
    'managesieve mail.example.org 4190',
  ]);
});

test('a port given is told whatever the listener has, under the public name, in the order given', () => {
  const settings = settingsOf(
    'public.host=Public.example.org',
    'public.services=pop3s:995, imaps:993, imap',
  );
  assert.deepEqual(told(settings), [
    'pop3s public.example.org 995',
    'imaps public.example.org 993',
  ]);
});

test('what is no service, no port, no name and no address is a fault', () => {
  for (const wrong of [
    'public.services=smtp',
    'public.services=imaps:x',
    'public.services=imaps:70000',
    'public.services=imaps:1:2',
    'public.host=not a name',
    'public.url=http://mail.example.org',
    'public.url=https://mail.example.org/x',
    'public.url=https://a b',
  ]) {
    const loaded = load({ environment: {}, assignments: [wrong] });
    assert.ok(!loaded.ok, wrong);
  }
});

test('the web host is the one of public.url', () => {
  assert.equal(publicWebHost(settingsOf()), '');
  assert.equal(
    publicWebHost(settingsOf('public.url=https://web.example.org:8443')),
    'web.example.org',
  );
});
