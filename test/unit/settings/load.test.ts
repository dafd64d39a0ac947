/** Aim: settings come from four places in order, and every fault is told. Method: load from given sources. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeFaults, SettingsError, type SettingsFault } from '../../../src/settings/fault.ts';
import { type LoadOptions, load, loadOrThrow } from '../../../src/settings/load.ts';

const none = { environment: {}, folder: '/srv' };

function settingsOf(options: LoadOptions) {
  const loaded = load({ ...none, ...options });
  assert.ok(loaded.ok, loaded.ok ? '' : describeFaults(loaded.faults));
  return loaded.settings;
}

function faultsOf(options: LoadOptions): readonly SettingsFault[] {
  const loaded = load({ ...none, ...options });
  assert.ok(!loaded.ok, 'faults were expected');
  return loaded.faults;
}

function tomlFile(t: { after(run: () => void): void }, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-settings-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'chaski.toml');
  writeFileSync(file, content);
  return file;
}

test('without any source the defaults are safe and on loopback', () => {
  const settings = settingsOf({});
  assert.deepEqual(settings.relay.networks, []);
  assert.deepEqual(settings.relay.route, { kind: 'mx' });
  assert.equal(settings.relay.privateTargets, false);
  assert.deepEqual(settings.listen.smtp, [{ host: '127.0.0.1', port: 2525 }]);
  assert.deepEqual(settings.listen.submission, [{ host: '127.0.0.1', port: 2587 }]);
  assert.deepEqual(settings.listen.submissions, [{ host: '127.0.0.1', port: 2465 }]);
  assert.deepEqual(settings.listen.lmtp, [{ host: '127.0.0.1', port: 2424 }]);
  assert.deepEqual(settings.listen.http, [{ host: '127.0.0.1', port: 2080 }]);
  assert.deepEqual(settings.proxy, {
    smtp: [],
    submission: [],
    submissions: [],
    lmtp: [],
    imap: [],
    imaps: [],
    pop3: [],
    pop3s: [],
    managesieve: [],
  });
  assert.deepEqual(settings.xclient, { smtp: [], submission: [], submissions: [], lmtp: [] });
});

test('the file wins over defaults, the environment over the file, --set over both', (t) => {
  const file = tomlFile(
    t,
    'shards = 3\nworkers = 1\n[log]\nlevel = "warn"\n[smtp]\nerrorsMax = 7\n',
  );
  const environment = { CHASKI_SHARDS: '4', CHASKI_LOG__LEVEL: 'error' };
  const settings = settingsOf({ file, environment, assignments: ['log.level=debug'] });
  assert.equal(settings.smtp.errorsMax, 7);
  assert.equal(settings.shards, 4);
  assert.equal(settings.log.level, 'debug');
  assert.equal(settings.workers, 1);
});

test('of two --set for one name the later wins', () => {
  assert.equal(settingsOf({ assignments: ['shards=2', 'shards=5'] }).shards, 5);
});

test('an environment name has dots as __ and camelCase as SNAKE_CASE', () => {
  const environment = { CHASKI_DATA__DISK_FREE_BYTES_MIN: '1GiB', CHASKI_LISTEN__SMTP: '' };
  const settings = settingsOf({ environment });
  assert.equal(settings.data.diskFreeBytesMin, 1024 ** 3);
  assert.deepEqual(settings.listen.smtp, []);
});

test('CHASKI_DATA is short for CHASKI_DATA__DIR', () => {
  assert.equal(settingsOf({ environment: { CHASKI_DATA: '/d' } }).data.dir, '/d');
  const both = { CHASKI_DATA: '/d', CHASKI_DATA__DIR: '/d' };
  assert.equal(settingsOf({ environment: both }).data.dir, '/d');
});

test('CHASKI_DATA and CHASKI_DATA__DIR set differently is a fault', () => {
  const faults = faultsOf({ environment: { CHASKI_DATA: '/a', CHASKI_DATA__DIR: '/b' } });
  assert.equal(faults.length, 1);
  assert.equal(faults[0]?.path, 'data.dir');
  assert.match(faults[0]?.reason ?? '', /differ/);
});

test('an unknown CHASKI_ name is a fault with the nearest one; other names are nobody’s business', () => {
  const environment = { CHASKI_LISTEN_SMTP: '127.0.0.1:25', PATH: '/bin', chaski_x: '1' };
  const faults = faultsOf({ environment });
  assert.equal(faults.length, 1);
  assert.match(faults[0]?.advice ?? '', /CHASKI_LISTEN__SMTP/);
});

test('unknown names in the file are faults with a suggestion, in sections and as sections', (t) => {
  const file = tomlFile(t, 'hostnam = "a.example"\n[relai]\nroute = "mx"\n[smtp]\nnetworks = []\n');
  const advice = faultsOf({ file }).map((fault) => `${fault.path}: ${fault.advice}`);
  assert.deepEqual(advice, [
    'hostnam: Did you mean hostname?',
    'relai: Did you mean relay?',
    'smtp.networks: Did you mean lmtp.networks?',
  ]);
});

test('names of Object’s own are unknown names like any other', (t) => {
  const file = tomlFile(t, 'constructor = 1\n[smtp]\ntoString = 2\n');
  const paths = faultsOf({ file, assignments: ['__proto__=1', 'smtp.valueOf=1'] });
  assert.deepEqual(
    paths.map((fault) => fault.path),
    ['constructor', 'smtp.toString', '__proto__', 'smtp.valueOf'],
  );
});

test('a value where a section belongs, and a section where a value belongs, are faults', (t) => {
  const file = tomlFile(t, 'log = "debug"\n[hostname]\nname = "x"\n');
  const faults = faultsOf({ file });
  assert.deepEqual(
    faults.map((fault) => fault.path),
    ['log', 'hostname'],
  );
});

test('all faults of all sources are listed, each with its source and what to do', (t) => {
  const file = tomlFile(
    t,
    'shards = "many"\n[smtp]\nerrorsMax = 0\nidleMsMax = "soon"\nbogus = 1\n',
  );
  const faults = faultsOf({
    file,
    environment: { CHASKI_LOG__LEVEL: 'loud' },
    assignments: ['listen.smtp=localhost:25,1.2.3.4', 'workers'],
  });
  const places = faults.map(
    (fault) => `${fault.path} ${fault.source === file ? 'file' : fault.source}`,
  );
  assert.deepEqual(places.sort(), [
    'listen.smtp --set',
    'listen.smtp --set',
    'log.level CHASKI_LOG__LEVEL',
    'shards file',
    'smtp.bogus file',
    'smtp.errorsMax file',
    'smtp.idleMsMax file',
    'workers --set',
  ]);
  assert.ok(faults.every((fault) => fault.reason !== '' && fault.advice !== ''));
});

test('a value a later source replaces is no fault', (t) => {
  const file = tomlFile(t, 'shards = "many"\n');
  assert.equal(settingsOf({ file, assignments: ['shards=4'] }).shards, 4);
});

test('broken TOML is named with line and column', (t) => {
  const file = tomlFile(t, 'shards = 2\nworkers = = 1\n');
  const faults = faultsOf({ file, assignments: ['shards=x'] });
  assert.equal(faults[0]?.source.startsWith(`${file}:2:`), true);
  assert.equal(faults.length, 2);
});

test('a file that cannot be read is a fault beside the others', () => {
  const faults = faultsOf({ file: '/nowhere/chaski.toml', assignments: ['shards=x'] });
  assert.deepEqual(
    faults.map((fault) => fault.source),
    ['/nowhere/chaski.toml', '--set'],
  );
});

test('relative paths start at the working directory and hostname is in lower case', () => {
  const settings = settingsOf({ assignments: ['data.dir=store', 'hostname=Mail.Example.ORG'] });
  assert.equal(settings.data.dir, '/srv/store');
  assert.equal(settings.hostname, 'mail.example.org');
});

test('a control socket path over 107 bytes is a fault, and 107 bytes are none', () => {
  const room = 107 - '/control.sock'.length;
  const fits = `/${'d'.repeat(room - 1)}`;
  assert.equal(settingsOf({ environment: { CHASKI_DATA: fits } }).data.dir, fits);
  const faults = faultsOf({ environment: { CHASKI_DATA: `${fits}d` } });
  assert.equal(faults[0]?.path, 'data.dir');
  assert.match(faults[0]?.reason ?? '', /108 bytes/);
});

test('loadOrThrow carries all faults in its error, each told on lines of its own', () => {
  try {
    loadOrThrow({ ...none, assignments: ['shards=x', 'nonsense=1'] });
    assert.fail('it did not throw');
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    assert.equal(error.faults.length, 2);
    assert.match(error.message, /^2 settings are wrong:\n {2}nonsense \(--set\): /);
    assert.match(error.message, /shards \(--set\): must be a whole number, not "x"\n {6}Expected/);
  }
});

test('settings are plain data: they cross threads as they are', () => {
  const settings = settingsOf({
    assignments: ['relay.networks=10.0.0.0/8', 'relay.routes=a.example=mx'],
  });
  assert.deepEqual(structuredClone(settings), settings);
});
