/** Aim: the systemd unit fits the program it starts. Method: compare its lines with settings and exit codes. */

import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { minuteMs, secondMs } from '../../../src/base/units.ts';
import { exitCodes } from '../../../src/cli/command.ts';
import { load } from '../../../src/settings/load.ts';

const root = join(import.meta.dirname, '../../..');
const unit = readFileSync(join(root, 'config/chaski.service'), 'utf8');
const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

test('it starts the launcher with the settings file, and reloads by SIGHUP', () => {
  const [path = '', ...line] = value('ExecStart').split(' ');
  accessSync(path.replace('/opt/chaski', root), constants.X_OK);
  assert.deepEqual(line, ['serve', '-c', '/etc/chaski/chaski.toml']);
  assert.equal(value('ExecReload'), '/bin/kill -HUP $MAINPID');
});

test('it does not start again with wrong settings', () => {
  assert.equal(value('RestartPreventExitStatus'), String(exitCodes.settings));
});

test('it waits longer for the end than a drain may take', () => {
  const loaded = load({ environment: {} });
  assert.ok(loaded.ok);
  const stopMs = Number(value('TimeoutStopSec')) * secondMs;
  assert.ok(stopMs >= loaded.settings.shutdown.drainMsMax + minuteMs / 2);
});

test('it puts data where the production profile has it, and grants low ports only', () => {
  const profile = readFileSync(join(root, 'config/profiles/production.toml'), 'utf8');
  assert.match(profile, new RegExp(`^dir = "/var/lib/${value('StateDirectory')}"$`, 'm'));
  assert.equal(value('CapabilityBoundingSet'), 'CAP_NET_BIND_SERVICE');
  assert.equal(value('AmbientCapabilities'), 'CAP_NET_BIND_SERVICE');
  assert.equal(value('NoNewPrivileges'), 'yes');
});
