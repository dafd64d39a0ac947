/** Aim: addresses, networks and routes are read strictly. Method: tables of right and wrong texts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isDomainName,
  readListenAddress,
  readNetwork,
  readRoute,
  routeTable,
  writeListenAddress,
  writeNetwork,
  writeRoute,
} from '../../../src/settings/networks.ts';

test('listening addresses are HOST:PORT with IPv6 in brackets, and are written as read', () => {
  for (const text of ['127.0.0.1:25', '0.0.0.0:0', '[::1]:65535', '[2001:db8::1]:465']) {
    const reading = readListenAddress(text);
    assert.ok(reading.ok, text);
    assert.equal(writeListenAddress(reading.value), text);
  }
});

test('what is no address and port is refused', () => {
  const wrong = [
    '25',
    ':25',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    'localhost:25',
    '::1:25',
    '[127.0.0.1]:25',
    '[::1]',
    '1.2.3:25',
    '127.0.0.1:25 ',
  ];
  for (const text of wrong) assert.equal(readListenAddress(text).ok, false, text);
});

test('an IPv6 address without brackets is told how to stand', () => {
  const reading = readListenAddress('2001:db8::1');
  assert.ok(!reading.ok);
  assert.match(reading.reasons[0] ?? '', /\[2001:db8::1\]:PORT/);
});

test('a network is an address with or without a prefix', () => {
  for (const [text, written] of [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['::1', '::1/128'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ] as const) {
    const reading = readNetwork(text);
    assert.ok(reading.ok, text);
    assert.equal(writeNetwork(reading.value), written);
  }
  for (const text of [
    '',
    '10/8',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/x',
    'fe80::1%eth0',
    'a.example',
    '10.0.0.0/',
  ]) {
    assert.equal(readNetwork(text).ok, false, text);
  }
});

test('a route is mx or smtp://HOST:PORT', () => {
  for (const text of [
    'mx',
    'smtp://192.0.2.1:25',
    'smtp://[2001:db8::1]:2525',
    'smtp://mail.example.org:587',
  ]) {
    const reading = readRoute(text);
    assert.ok(reading.ok, text);
    assert.equal(writeRoute(reading.value), text);
  }
  for (const text of [
    '',
    'MX',
    'smtp://',
    'smtp://host',
    'smtp://host:0',
    'smtp://host:70000',
    'smtps://host:465',
    'smtp://a b:25',
    'smtp://1.2.3:25',
    'smtp://user@host:25',
    'smtp://host:25/x',
  ]) {
    assert.equal(readRoute(text).ok, false, text);
  }
});

test('a table of routes names every bad row', () => {
  const field = routeTable({ doc: 'x.', reload: 'live' });
  const good = field.read({ 'Example.org': 'mx', '.example.net': 'smtp://192.0.2.1:25' });
  assert.ok(good.ok);
  assert.deepEqual(
    good.value.map((row) => row.domain),
    ['example.org', '.example.net'],
  );
  const bad = field.read({
    'bad domain': 'mx',
    'a.example': 'nowhere',
    'b.example': 7,
    'A.EXAMPLE': 'mx',
  });
  assert.ok(!bad.ok);
  assert.equal(bad.reasons.length, 3);
  const twice = field.read('a.example=mx,A.example=mx');
  assert.ok(!twice.ok);
});

test('a domain name has letters, digits and hyphens, and is no address', () => {
  for (const name of ['example.org', 'a', 'xn--bcher-kva.example', '_dmarc.example.org', 'a-b.c']) {
    assert.equal(isDomainName(name), true, name);
  }
  for (const name of [
    '',
    '.',
    'a..b',
    '-a.b',
    'a-.b',
    'a.b.',
    '192.0.2.1',
    'bücher.example',
    `${'a'.repeat(64)}.b`,
    `${'a.'.repeat(127)}ab`,
  ]) {
    assert.equal(isDomainName(name), false, name);
  }
});
