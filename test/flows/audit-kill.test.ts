/**
 * Aim: a server that is killed among acts leaves a chain that verifies, with an entry for each act that was begun, and
 * an end for each that was answered. Method: a process of its own, acts on its control socket, SIGKILL, `audit verify`.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';

import { commandOut } from '../support/account-mail.ts';
import { eventually } from '../support/test-server.ts';

const roundCount = 2;
/** A kill comes no sooner than after so many. */
const answeredMin = 4;

interface Entry {
  readonly seq: number;
  readonly act: string;
  readonly outcome: string;
  readonly resource?: string;
  readonly of?: number;
}

/** Resolves to the status, or 0 where there was no answer. */
function create(socketPath: string, name: string): Promise<number> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ name });
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const path = '/api/v1/tenants';
    const asked = request({ socketPath, path, method: 'POST', headers, agent: false });
    asked.once('error', () => resolve(0));
    asked.once('response', (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', () => resolve(0));
    });
    asked.end(body);
  });
}

it('SIGKILL among acts loses no entry of one that was answered, and breaks no chain', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-audit-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const environment = relayEnvironment(data, port, port);
  const answered: string[] = [];
  try {
    for (let round = 0; round < roundCount; round++) {
      const server = serve(environment, folder);
      try {
        await untilGreets(port, 90_000, () => server.isRunning);
        let isOver = false;
        const ask = async (lane: number) => {
          for (let number = 0; !isOver; number++) {
            const name = `t${round}-${lane}-${number}`;
            const status = await create(join(data, 'control.sock'), name);
            if (status === 201) answered.push(name);
            else isOver = true;
          }
        };
        const lanes = [0, 1, 2, 3].map(ask);
        const enough = answered.length + answeredMin;
        await eventually('some acts', () => isOver || answered.length >= enough || undefined);
        await sleep(137 * round);
        await server.stop('SIGKILL');
        await Promise.all(lanes);
      } finally {
        await server.stop('SIGKILL');
      }
      const verdict = JSON.parse(
        await commandOut(['audit', 'verify', join(data, 'audit'), '--json'], environment),
      );
      assert.deepEqual([verdict.isSound, verdict.findings], [true, []], `round ${round}`);
    }
    assert.ok(answered.length >= answeredMin * roundCount, `${answered.length} acts`);
    const told = await commandOut(['audit', 'export'], environment);
    const entries = told
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry)
      .filter(({ act }) => act === 'tenant.create');
    const ends = entries.filter(({ outcome }) => outcome === 'done');
    const done = new Set(ends.map(({ resource }) => resource));
    const begun = new Map(
      entries.filter(({ outcome }) => outcome === 'begun').map((each) => [each.seq, each.resource]),
    );
    for (const name of answered) assert.ok(done.has(`tenant ${name}`), name);
    for (const { of, resource } of ends) assert.equal(begun.get(of!), resource);
    // What is there was begun in the log, whether its end was written or not.
    const list = JSON.parse(await commandOut(['tenant', 'list', '--json'], environment));
    const names = (list as { name: string }[]).map(({ name }) => name);
    const known = new Set(begun.values());
    for (const name of names.filter((each) => each !== 'default')) {
      assert.ok(known.has(`tenant ${name}`), name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
