/**
 * Aim: a server that does not answer is left alone for longer and longer, is tried by one at a time, and what one
 *      answers is bounded; what is written into filters is data; entries become people as settings say.
 * Method: sockets of this process that answer as told, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { answerBytesMax } from '../../../../src/adapters/ldap/connection.ts';
import { filterFor, filterForAll, personOf } from '../../../../src/adapters/ldap/person.ts';
import { pauseMsFirst, pauseMsMax } from '../../../../src/adapters/ldap/servers.ts';
import { LdapSource } from '../../../../src/adapters/ldap/source.ts';
import type { LdapSetting } from '../../../../src/settings/ldap.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const setting: LdapSetting = {
  ...{ name: 'office', urls: [], domains: ['example.org'], startTls: 'off', caFile: '' },
  ...{ bindDn: '', passwordFile: '', baseDn: 'dc=example,dc=org', filter: '(mail={address})' },
  ...{ address: 'mail', displayName: 'cn', aliases: 'proxyAddresses', groups: 'memberOf' },
  ...{ quota: 'quota', enabled: 'userAccountControl', createsAccounts: false },
};
const ann = 'ann@example.org';

async function serverThat(answers: (socket: net.Socket) => void) {
  let count = 0;
  const server = net.createServer((socket) => {
    count++;
    socket.on('error', () => {});
    answers(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `ldap://127.0.0.1:${port}`,
    count: () => count,
    close: () => server.close(),
  };
}

function open(urls: readonly string[], answerMsMax = 200) {
  const clock = new SeededClock();
  const said: (string | undefined)[] = [];
  const onAway = (why: string | undefined) => said.push(why);
  const options = { connectionsMax: 4, answerMsMax, onAway, clock };
  return { source: new LdapSource({ setting: { ...setting, urls }, ...options }), clock, said };
}

test('a server that fails is left alone, twice as long each time, and tried by one', async () => {
  const ends = await serverThat((socket) => socket.destroy());
  const bindDn = 'cn=chaski';
  const clock = new SeededClock();
  const source = new LdapSource({
    setting: { ...setting, urls: [ends.url], bindDn, passwordFile: import.meta.filename },
    ...{ connectionsMax: 4, answerMsMax: 2_000, onAway: () => {}, clock },
  });
  await source.check(ann, 'x');
  assert.equal(ends.count(), 1);
  let pauseMs = pauseMsFirst;
  for (let tries = 2; tries < 10; tries++) {
    clock.advance(pauseMs - 1);
    await source.check(ann, 'x');
    assert.equal(ends.count(), tries - 1, `not before ${pauseMs} ms`);
    clock.advance(1);
    const all = await Promise.all(Array.from({ length: 5 }, () => source.check(ann, 'x')));
    assert.deepEqual(new Set(all.map(({ kind }) => kind)), new Set(['away']));
    assert.equal(ends.count(), tries, 'one tried');
    pauseMs = Math.min(pauseMsMax, 2 * pauseMs);
  }
  assert.equal(pauseMs, pauseMsMax);
  await source.close();
  ends.close();
});

test('a silent server costs the time that is set, once', async () => {
  const silent = await serverThat(() => {});
  const { source, said } = open([silent.url]);
  for (let at = 0; at < 3; at++) assert.equal((await source.check(ann, 'x')).kind, 'away');
  assert.equal(silent.count(), 1);
  assert.deepEqual(said, ['no answer in time']);
  await source.close();
  assert.equal(source.connectionCount, 0);
  silent.close();
});

test('a server that takes connections and says nothing does not keep another one from being asked', async () => {
  const silent = await serverThat(() => {});
  // RFC 4511 §4.5.2: a search done, with nothing found; §4.2.2: credentials are invalid.
  const speaks = await serverThat((socket) => {
    socket.on('data', (data) => {
      const at = 2 + (data[1]! < 0x80 ? 0 : data[1]! & 0x7f);
      const op = data[at + 3] === 0x63 ? [0x65, 0] : [0x61, 49];
      const id = data[at + 2]!;
      const said = [0x30, 12, 2, 1, id, op[0]!, 7, 10, 1, op[1]!, 4, 0, 4, 0];
      socket.write(Buffer.from(said));
    });
  });
  const { source, said } = open([silent.url, speaks.url]);
  assert.equal((await source.check(ann, 'x')).kind, 'away');
  assert.deepEqual(await source.check(ann, 'x'), { kind: 'wrong', why: 'missing' });
  assert.deepEqual(said, []);
  await source.close();
  silent.close();
  speaks.close();
});

test('a search that took almost all the time leaves a bind its own, and no server is taken for silent', async (t) => {
  const answerMsMax = 600;
  const slow = await serverThat((socket) => {
    socket.on('data', (data) => {
      const at = 2 + (data[1]! < 0x80 ? 0 : data[1]! & 0x7f);
      const isSearch = data[at + 3] === 0x63;
      const op = isSearch ? [0x65, 0] : [0x61, 49];
      const said = [0x30, 12, 2, 1, data[at + 2]!, op[0]!, 7, 10, 1, op[1]!, 4, 0, 4, 0];
      setTimeout(() => socket.write(Buffer.from(said)), isSearch ? 0.8 * answerMsMax : 180);
    });
  });
  const { source, said } = open([slow.url], answerMsMax);
  t.after(() => source.close().then(slow.close));
  assert.deepEqual(await source.check(ann, 'x'), { kind: 'wrong', why: 'missing' });
  assert.deepEqual(said, []);
});

test('an answer without an end is not read to its end', async () => {
  let sent = 0;
  // RFC 4511 §4.1.1: a message that says it has 2 GB.
  const head = Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
  const endless = await serverThat((socket) => {
    const piece = Buffer.alloc(65_536);
    const send = () => {
      while (!socket.destroyed && sent < 64 * answerBytesMax) {
        sent += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.once('data', () => {
      socket.write(head);
      socket.on('drain', send);
      send();
    });
  });
  const { source, said } = open([endless.url], 20_000);
  const found = await source.find(ann);
  assert.ok(found.kind === 'away' && found.why.includes(`${answerBytesMax} bytes`), found.kind);
  assert.ok(sent < 4 * answerBytesMax, `${sent} bytes`);
  assert.equal(said.length, 1);
  await source.close();
  endless.close();
});

test('nonsense is no answer', async () => {
  const nonsense = await serverThat((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  const { source } = open([nonsense.url]);
  assert.equal((await source.check(ann, 'x')).kind, 'away');
  await source.close();
  nonsense.close();
});

test('an address in a filter is data (RFC 4515 §3)', () => {
  const template = '(|(mail={address})(uid={local})(o={domain}))';
  const said = filterFor(template, '*)(x=\\{domain}\0@example.org');
  const local = '\\2a\\29\\28x=\\5c{domain}\\00';
  assert.equal(said, `(|(mail=${local}@example.org)(uid=${local})(o=example.org))`);
  assert.equal(filterForAll(template), '(|(mail=*)(uid=*)(o=*))');
});

const entry = { dn: 'cn=Ann,dc=example,dc=org', mail: 'Ann@Example.org' };

test('an entry is a person by the attributes that settings name, however they are spelled', () => {
  const person = personOf(
    {
      ...{ ...entry, CN: 'Ann', quota: '5GiB', useraccountcontrol: '512', memberOf: 'cn=staff' },
      proxyaddresses: ['SMTP:ann@example.org', 'smtp:info@example.org', 'x500:/o=x@example.org'],
    },
    setting,
    ann,
  );
  assert.deepEqual(person, {
    ...{ id: entry.dn, address: ann, displayName: 'Ann', aliases: ['info@example.org'] },
    ...{ groups: ['cn=staff'], quotaBytes: 5 * 2 ** 30, isEnabled: true },
  });
});

test('an entry with another address, or of another domain, is not who was asked for', () => {
  assert.equal(personOf(entry, setting, 'bob@example.org'), undefined);
  assert.equal(personOf({ ...entry, mail: [] }, setting, ann), undefined);
  assert.equal(personOf({ ...entry, mail: 'ann@other.org' }, setting, undefined), undefined);
  assert.equal(personOf({ dn: 'uid=ann' }, { ...setting, address: '' }, ann)?.address, ann);
  // Active Directory finds them as equal; they are two people.
  assert.equal(personOf({ ...entry, mail: 'ánn@example.org' }, setting, ann), undefined);
});

test('who is closed there is closed, and what cannot be read closes', () => {
  const open = (enabled: string, value: string | string[]) =>
    personOf({ ...entry, [enabled]: value }, { ...setting, enabled }, ann)?.isEnabled;
  assert.equal(open('userAccountControl', '512'), true);
  assert.equal(open('userAccountControl', '514'), false);
  assert.equal(open('userAccountControl', '66050'), false);
  assert.equal(open('userAccountControl', 'x'), false);
  assert.equal(open('nsAccountLock', 'TRUE'), false);
  assert.equal(open('nsAccountLock', 'false'), true);
  assert.equal(open('mailEnabled', 'FALSE'), false);
  assert.equal(open('mailEnabled', 'TRUE'), true);
  assert.equal(open('mailEnabled', []), true);
  assert.equal(open('mailEnabled', ['TRUE', 'FALSE']), false);
  assert.equal(open('nsAccountLock', []), true);
  assert.equal(open('nsAccountLock', ['false', 'true']), false);
  // Not an account, or not to be read by whoever searches.
  assert.equal(open('userAccountControl', []), false);
  assert.equal(open('USERACCOUNTCONTROL', []), false);
});
