/**
 * Aim: passwords checked by a real directory keep the contract of sources, in clear, by StartTLS, ldaps and ldapi; what
 *      a server does that the fake one cannot (silence, death, locks, certificates) is `away` or `wrong` as it should be.
 * Specs:  RFC 4511 §4.14 (StartTLS).
 * Method: Debian's slapd in a folder of its own; skipped, and said, without it.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pauseMsFirst } from '../../src/adapters/ldap/servers.ts';
import { LdapSource } from '../../src/adapters/ldap/source.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import type { LdapSetting } from '../../src/settings/ldap.ts';
import { logInSourceContract, type PutPerson } from '../contracts/log-in-source.ts';
import {
  baseDn,
  needsSlapd,
  type SlapdServer,
  serviceDn,
  startSlapd,
} from '../support/slapd-server.ts';

const answerMsMax = 1_500;

function settingOf(slapd: SlapdServer, given: Partial<LdapSetting> = {}): LdapSetting {
  const { url, caFile, passwordFile } = slapd;
  return {
    ...{ name: 'office', urls: [url], domains: ['example.org'], startTls: 'required', caFile },
    ...{ bindDn: serviceDn, passwordFile, baseDn, filter: '(mail={address})', address: 'mail' },
    ...{ displayName: 'displayName', aliases: 'mailAlternate', groups: 'ou', quota: 'pager' },
    ...{ enabled: 'employeeType', createsAccounts: false },
    ...given,
  };
}

function open(slapd: SlapdServer, given: Partial<LdapSetting> = {}, answerMs = answerMsMax) {
  const said: (string | undefined)[] = [];
  const source = new LdapSource({
    setting: settingOf(slapd, given),
    ...{
      connectionsMax: 4,
      answerMsMax: answerMs,
      clock: nodeClock,
      onAway: (why) => said.push(why),
    },
  });
  return { source, said };
}

let people = 0;
async function put(slapd: SlapdServer, person: PutPerson): Promise<void> {
  const { address, password, displayName, aliases = [], groups, quotaBytes, isEnabled } = person;
  await slapd.add({
    ...{ uid: `person${people++}`, password },
    attributes: {
      mail: [address, ...aliases],
      ...(displayName === undefined ? {} : { displayName: [displayName] }),
      ...(groups === undefined ? {} : { ou: groups }),
      ...(quotaBytes === undefined ? {} : { pager: [String(quotaBytes)] }),
      ...(isEnabled === undefined ? {} : { employeeType: [isEnabled ? 'active' : 'inactive'] }),
    },
  });
}

for (const [way, given] of [
  ['StartTLS', () => ({})],
  ['ldaps', (slapd: SlapdServer) => ({ urls: [slapd.tlsUrl] })],
  ['ldapi', (slapd: SlapdServer) => ({ urls: [slapd.socketUrl] })],
  ['in clear', () => ({ startTls: 'off' as const, caFile: '' })],
] as const) {
  describe(`slapd by ${way}`, needsSlapd(), () => {
    logInSourceContract(`slapd, ${way}`, async () => {
      const slapd = await startSlapd();
      const { source } = open(slapd, given(slapd), 5_000);
      return {
        source,
        put: (person) => put(slapd, person),
        leave: () => slapd.kill(),
        async comeBack() {
          await slapd.start();
          await delay(2 * pauseMsFirst);
        },
        async [Symbol.asyncDispose]() {
          assert.equal(source.connectionCount, 0, 'nothing is left open');
          await slapd[Symbol.asyncDispose]();
        },
      };
    });
  });
}

describe('slapd', needsSlapd(), () => {
  let slapd: SlapdServer;
  const ann = 'ann@example.org';
  const password = 'correct horse';
  let uidOfAnn: string;
  before(async () => {
    slapd = await startSlapd();
    uidOfAnn = `person${people}`;
    await put(slapd, { address: ann, password });
  });
  after(() => slapd[Symbol.asyncDispose]());

  it('is not asked in clear where its certificate is not good', async () => {
    const { source, said } = open(slapd, { caFile: '' });
    assert.equal((await source.check(ann, password)).kind, 'away');
    assert.match(String(said[0]), /StartTLS/);
    await source.close();
    const byAddress = open(slapd, { urls: [slapd.url.replace('localhost', '127.0.0.1')] });
    assert.equal((await byAddress.source.check(ann, password)).kind, 'away', 'of another name');
    await byAddress.source.close();
  });

  it('says away where the service does not get in, and tells why', async () => {
    const file = `${slapd.passwordFile}.wrong`;
    writeFileSync(file, 'wrong\n');
    const { source, said } = open(slapd, { passwordFile: file });
    assert.equal((await source.check(ann, password)).kind, 'away');
    assert.match(String(said[0]), /cn=chaski.* does not get in/);
    assert.ok(!JSON.stringify(said).includes('wrong'));
    await source.close();
  });

  it('is away while it is stopped, in time, and asked by nobody in between; then there again', async () => {
    const { source, said } = open(slapd);
    assert.equal((await source.check(ann, password)).kind, 'right');
    slapd.signal('SIGSTOP');
    const fromMs = performance.now();
    assert.equal((await source.check(ann, password)).kind, 'away');
    const tookMs = performance.now() - fromMs;
    assert.ok(tookMs > answerMsMax / 2 && tookMs < 2 * answerMsMax, `${tookMs} ms`);
    const againMs = performance.now();
    assert.equal((await source.check(ann, password)).kind, 'away');
    assert.ok(performance.now() - againMs < 200, 'at once');
    assert.deepEqual(said, ['no answer in time']);
    slapd.signal('SIGCONT');
    await delay(2 * pauseMsFirst);
    assert.equal((await source.check(ann, password)).kind, 'right');
    assert.deepEqual(said, ['no answer in time', undefined]);
    await source.close();
    await delay(50);
    assert.equal(source.connectionCount, 0);
  });

  it('is asked at another of its addresses where one is dead or silent', async () => {
    const silent = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as net.AddressInfo;
    const urls = ['ldap://127.0.0.1:1', `ldap://127.0.0.1:${port}`, slapd.url];
    const { source, said } = open(slapd, { urls });
    assert.equal((await source.check(ann, password)).kind, 'right');
    assert.deepEqual(said, []);
    await source.close();
    silent.close();
  });

  it('keeps its connections: a second log-in opens none', async () => {
    const { source } = open(slapd);
    await source.check(ann, password);
    assert.equal(source.connectionCount, 2);
    const before = slapd.log().match(/ACCEPT/g)!.length;
    for (let at = 0; at < 10; at++) await source.check(ann, at % 2 === 0 ? password : 'wrong');
    assert.equal(slapd.log().match(/ACCEPT/g)!.length, before);
    await source.close();
  });

  it('survives that a kept connection was ended meanwhile', async () => {
    const { source, said } = open(slapd);
    await source.check(ann, password);
    await slapd.kill();
    await slapd.start();
    assert.equal((await source.check(ann, password)).kind, 'right');
    assert.deepEqual(said, []);
    await source.close();
  });

  it('lets nobody in whose account it locked', async () => {
    await put(slapd, { address: 'locked@example.org', password });
    const { source } = open(slapd);
    assert.equal((await source.check('locked@example.org', password)).kind, 'right');
    const dn = `uid=person${people - 1},${baseDn}`;
    const locked = ['replace: pwdAccountLockedTime', 'pwdAccountLockedTime: 000001010000Z'];
    await slapd.modify([`dn: ${dn}`, 'changetype: modify', ...locked, ''].join('\n'));
    assert.equal((await source.check('locked@example.org', password)).kind, 'wrong');
    await source.close();
  });

  it('is tried for who is not there as for who is', async () => {
    const { source } = open(slapd);
    await source.check(ann, password);
    await delay(100);
    const counts = async (address: string) => {
      const before = slapd.log().length;
      await source.check(address, 'wrong');
      await delay(100);
      const lines = slapd.log().slice(before).split('\n');
      return ['SRCH base', 'method=128'].map(
        (o) => lines.filter((line) => line.includes(o)).length,
      );
    };
    assert.deepEqual(await counts(ann), [1, 1]);
    assert.deepEqual(await counts('nobody@example.org'), [1, 1]);
    assert.ok(!slapd.log().includes('method=128 anonymous'));
    await source.close();
  });

  it('opens nobody whose entry has another address than was asked for', async () => {
    const { source } = open(slapd, { filter: '(&(cn=*)(|(mail={address})(uid={local})))' });
    assert.deepEqual(await source.check(`${uidOfAnn}@example.org`, password), {
      ...{ kind: 'wrong', why: 'other-address' },
    });
    await source.close();
  });
});
