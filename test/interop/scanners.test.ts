/**
 * Aim: real scanners find what they are there to find, see envelope and message as they were sent, and say how to
 *      change it; silence and death are `failed`, in time, and what comes back is found again.
 * Method: Debian's clamd, spamd, rspamd, opendkim and python3-milter in folders of their own, without network; skipped,
 *      and said, where one is not there.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { failuresMax, pauseMsFirst } from '../../src/adapters/scanning/circuit-breaker.ts';
import type { ScanEdit, ScanVerdict } from '../../src/ports/content-scanner.ts';
import {
  eicar,
  gtube,
  needs,
  type RunningScanner,
  startDebianScanner,
} from '../support/debian-scanners.ts';
import { openScanner, plainMessage, subjectOf } from '../support/scanners.ts';

function infected(): string {
  const body = Buffer.from(eicar, 'latin1').toString('base64').replace(/.{76}/g, '$&\r\n');
  const head = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n';
  const part =
    'Content-Type: application/octet-stream; name=a.com\r\nContent-Transfer-Encoding: base64\r\n';
  return `${head}${plainMessage(`--b\r\n${part}\r\n${body}\r\n--b--\r\n`)}`;
}

function open(server: RunningScanner, msMax = 20_000, address = server.address) {
  return openScanner({ kind: server.kind, address, msMax });
}

function editsOf(verdict: ScanVerdict): readonly ScanEdit[] {
  return 'edits' in verdict ? verdict.edits : [];
}

describe('clamd', needs('clamd'), () => {
  it('finds a virus in an attachment, by TCP and by a path', async () => {
    await using server = await startDebianScanner('clamd');
    for (const address of [server.address, server.pathAddress!]) {
      await using at = open(server, 20_000, address);
      const found = await at.scanner.scan(subjectOf(infected()));
      assert.deepEqual(found.kind === 'infected' && found.names, ['Test.Eicar.UNOFFICIAL']);
      assert.equal((await at.scanner.scan(subjectOf(plainMessage()))).kind, 'clean');
      const checked = await at.scanner.check();
      assert.match(checked.ok ? checked.version : '', /^ClamAV \d/);
    }
  });

  it('says that a message is too large, and is asked on', async () => {
    await using server = await startDebianScanner('clamd');
    await using at = openScanner({ ...server, bytesMax: 16_000_000, msMax: 20_000 });
    for (let n = 0; n <= failuresMax; n++) {
      const verdict = await at.scanner.scan(subjectOf(plainMessage('a'.repeat(8_000_000))));
      assert.equal(verdict.kind === 'failed' && verdict.fault, 'too-large');
    }
    const found = await at.scanner.scan(subjectOf(infected()));
    assert.equal(found.kind, 'infected');
  });
});

describe('spamd', needs('spamd'), () => {
  it('gives score, threshold and rules, and sees where mail comes from', async () => {
    await using server = await startDebianScanner('spamd');
    await using at = open(server);
    const spam = await at.scanner.scan(subjectOf(plainMessage(`${gtube}\r\n`)));
    assert.ok(spam.kind === 'scored' && spam.score > 900, JSON.stringify(spam));
    assert.equal(spam.action, 'add-header');
    assert.ok(spam.rules.some(({ name }) => name === 'GTUBE'));
    const ham = await at.scanner.scan(subjectOf(plainMessage('Shall we meet?\r\n')));
    assert.ok(ham.kind === 'scored' && ham.action === 'accept', JSON.stringify(ham));
    assert.equal(ham.threshold, 5);
    // Of a message without any trace it would say so, and that nothing relayed it.
    assert.ok(
      !ham.rules.some(({ name }) => /^(NO_RECEIVED|NO_RELAYS)$/.test(name)),
      JSON.stringify(ham),
    );
    const checked = await at.scanner.check();
    assert.match(checked.ok ? checked.version : '', /^SPAMD\/1\.\d/);
  });
});

describe('rspamd', needs('rspamd'), () => {
  it('gives score, rules and what to do', async () => {
    await using server = await startDebianScanner('rspamd');
    await using at = open(server);
    const spam = await at.scanner.scan(subjectOf(plainMessage(`${gtube}\r\n`)));
    assert.ok(spam.kind === 'scored' && spam.action === 'reject', JSON.stringify(spam));
    assert.ok(spam.rules.some(({ name }) => name === 'GTUBE'));
    const ham = await at.scanner.scan(subjectOf(plainMessage('Shall we meet?\r\n')));
    assert.ok(ham.kind === 'scored' && ham.action === 'accept', JSON.stringify(ham));
    assert.equal(ham.threshold, 15);
    assert.match(server.log(), /q1.*ann@example\.net|from: <ann@example\.net>/);
    assert.ok((await at.scanner.check()).ok);
  });
});

describe('opendkim', needs('opendkim'), () => {
  it('puts its results into a field, message after message', async () => {
    await using server = await startDebianScanner('opendkim');
    await using at = open(server);
    for (let n = 0; n < 3; n++) {
      const edits = editsOf(await at.scanner.scan(subjectOf(plainMessage())));
      const [field] = edits.filter((edit) => edit.kind === 'add-field');
      assert.equal(field?.name, 'Authentication-Results', JSON.stringify(edits));
      assert.match(field.value, /^scan\.example\.org;\s+dkim=none/);
    }
  });
});

describe('a milter by python3-milter', needs('python3-milter'), () => {
  it('sees all of it, and asks for changes of every kind', async () => {
    await using server = await startDebianScanner('python3-milter');
    await using at = open(server);
    const message = `X-Old: 1\r\nX-Gone: 1\r\n${plainMessage('b'.repeat(200_000), 'change')}`;
    const verdict = await at.scanner.scan(subjectOf(message));
    assert.ok(verdict.kind === 'decided' && verdict.action === 'accept', JSON.stringify(verdict));
    const said = 'mx.example.net <ann@example.net> <bob@example.org> 200000 q1';
    assert.deepEqual(
      verdict.edits.map((edit) => ('body' in edit ? Buffer.from(edit.body).toString() : edit)),
      [
        { kind: 'add-field', name: 'X-Said', value: said },
        { kind: 'add-field', name: 'X-First', value: 'top', at: 0 },
        { kind: 'change-field', name: 'X-Old', value: 'new', nth: 1 },
        { kind: 'change-field', name: 'X-Gone', value: '', nth: 1 },
        { kind: 'change-sender', address: 'other@example.net' },
        { kind: 'add-recipient', address: 'more@example.org' },
        { kind: 'remove-recipient', address: 'bob@example.org' },
        'Replaced.\r\n',
      ],
    );
  });

  it('refuses, defers, holds and discards, in its words', async () => {
    await using server = await startDebianScanner('python3-milter');
    await using at = open(server);
    const said: string[] = [];
    for (const subject of ['plain', 'reject', 'later', 'discard', 'quarantine', 'progress']) {
      const verdict = await at.scanner.scan(subjectOf(plainMessage('', subject)));
      said.push('action' in verdict ? `${verdict.action} ${verdict.text}` : verdict.kind);
    }
    assert.deepEqual(said, [
      ...['clean', 'reject 554 5.7.1 100% unwanted', 'defer 451 4.7.1 Come back'],
      ...['discard ', 'quarantine looks odd', 'clean'],
    ]);
    const recipients = ['bob@example.org', 'refused@example.org'];
    const refused = await at.scanner.scan(subjectOf(plainMessage(), { recipients }));
    assert.equal('text' in refused && refused.text, '550 5.1.1 Nobody of that name');
    assert.equal((await at.scanner.scan(subjectOf(plainMessage()))).kind, 'clean');
  });
});

for (const name of ['clamd', 'spamd', 'rspamd', 'python3-milter'] as const) {
  describe(`${name} that goes and comes back`, needs(name), () => {
    it('fails in time while it is silent or gone, and is found again', async () => {
      await using server = await startDebianScanner(name);
      await using at = open(server, 2_000);
      const fault = async () => {
        const verdict = await at.scanner.scan(subjectOf(plainMessage()));
        assert.ok(verdict.ms < 15_000, `${verdict.ms} ms`);
        return verdict.kind === 'failed' ? verdict.fault : 'none';
      };
      // A busy machine: it does not answer at once, and what failed often is left alone for a while.
      const untilItAnswers = async () => {
        for (let left = 60; (await fault()) !== 'none'; left--) {
          assert.ok(left > 0, server.log());
          await delay(pauseMsFirst / 4);
        }
      };
      await untilItAnswers();
      server.signal('SIGSTOP');
      assert.equal(await fault(), 'timed-out');
      server.signal('SIGCONT');
      await untilItAnswers();
      await server.kill();
      const faults: string[] = [];
      for (let n = 0; n <= failuresMax; n++) faults.push(await fault());
      assert.ok(
        faults.every((each) => each !== 'none'),
        faults.join(),
      );
      assert.equal(faults.at(-1), 'circuit-open');
      await server.start();
      await untilItAnswers();
    });
  });
}
