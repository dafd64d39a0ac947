/**
 * Aim: a server that is stopped, killed, cut off, slowed down and left without names and disk loses nothing that it
 *      acknowledged, and the report says what was done to it and when.
 * Method: the server, the sink and the load as processes of their own; the harness stands between all of them. The
 *         server is started again when it was killed, as a supervisor would.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launcher, relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { Child } from '../../src/harness/child.ts';
import { parseReport } from '../../src/harness/measure/run-report.ts';

const startMsMax = 90_000;
const fillBytes = 16 * 1024 * 1024;

interface Ports {
  readonly server: number;
  readonly hop: number;
  readonly names: number;
  readonly prometheus: number;
}

function scenario(ports: Ports, sink: readonly [string, string], server: number, folder: string) {
  const { bavail, bsize } = statfsSync(folder);
  const leave = bavail * bsize - fillBytes;
  const steps = [
    'at: 300ms, delay: names, by: 200ms, for: 700ms',
    'at: 500ms, cut: target',
    'at: 700ms, refuse: next hop, for: 500ms',
    'at: 900ms, servfail: names, for: 300ms',
    'at: 1s, stall: target, for: 300ms',
    `at: 1500ms, stop: ${server}, for: 400ms`,
    'at: 2s, slow: next hop, rate: 20kB, for: 400ms',
    `at: 2s, fill: ${folder}, leave: ${leave}, size: 4GB, for: 500ms`,
    'at: 2400ms, cut: next hop',
    `at: 2600ms, kill: ${server}`,
  ];
  return `
target: 127.0.0.1:${ports.server}
duration: 4s
ledger: ledger
recount: 30s
proxies: [{ name: next hop, listen: "127.0.0.1:${ports.hop}", to: "${sink[0]}" }]
resolvers: [{ name: names, listen: "127.0.0.1:${ports.names}", to: "${sink[1]}" }]
groups: [{ protocol: smtp, rate: 60, to: "u@d{1-200}.test" }]
trouble:
${steps.map((step) => `  - { ${step} }`).join('\n')}
thresholds: [ok > 3, lost = 0, corrupted = 0, unexplained = 0, duplicated <= 100]
`;
}

it('a server in trouble loses nothing it acknowledged, and each step is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-trouble-'));
  const ledger = join(folder, 'ledger');
  mkdirSync(ledger);
  const doors = ['--listen', '127.0.0.1:0', '--dns', '127.0.0.1:0', '--ledger', ledger];
  const sink = new Child({ command: launcher, args: ['sink', ...doors, '--json'] });
  const servers: Child[] = [];
  let isOver = false;
  try {
    const [line] = await sink.until(/\{"ready".*\}/, startMsMax);
    const { ready, dns } = JSON.parse(line) as { ready: [string]; dns: string };
    const [server, hop, names, prometheus] = await Promise.all([1, 2, 3, 4].map(freePort));
    const ports: Ports = { server: server!, hop: hop!, names: names!, prometheus: prometheus! };
    const environment = {
      ...relayEnvironment(join(folder, 'data'), ports.server, ports.hop),
      CHASKI_RELAY__ROUTE: 'mx',
      CHASKI_RELAY__MX_PORT: `${ports.hop}`,
      CHASKI_RELAY__PRIVATE_TARGETS: 'true',
      CHASKI_RELAY__RETRY_MS_MIN: '200ms',
      CHASKI_RELAY__RETRY_MS_MAX: '1s',
      CHASKI_DNS__SERVERS: `127.0.0.1:${ports.names}`,
    };
    const first = serve(environment, folder);
    servers.push(first);
    await untilGreets(ports.server, startMsMax, () => first.isRunning);
    void first.ended.then(() => {
      if (!isOver) servers.push(serve(environment, folder));
    });
    const file = join(folder, 'trouble.yaml');
    writeFileSync(file, scenario(ports, [ready[0], dns], first.pid, folder));
    const page = join(folder, 'page.html');
    const told = ['--prometheus', `127.0.0.1:${ports.prometheus}`, '--report', page, '--json'];
    const load = new Child({ command: launcher, args: ['load', 'run', file, ...told] });
    let figures = '';
    while (load.isRunning && !/outcome="ok"\} [1-9]/.test(figures)) {
      await sleep(20);
      const answer = await fetch(`http://127.0.0.1:${ports.prometheus}/metrics`).catch(() => {});
      figures = (await answer?.text()) ?? '';
    }
    assert.match(figures, /chaski_load_sessions\{group="smtp"\} \d/, load.stderr);
    const { code } = await load.ended;
    assert.equal(code, 0, `${load.stdout.slice(0, 2_000)}\n${load.stderr.slice(-4_000)}`);
    const { marks, recount } = parseReport(load.stdout, 'load');
    // Whether a connection is open in the instant of a cut is the machine's affair.
    const undone = marks!.filter(({ isDone, text }) => !isDone && !text.startsWith('cut '));
    assert.deepEqual(undone, []);
    assert.equal(marks!.length, 10);
    assert.equal(recount!.account.lost, 0);
    assert.ok(recount!.account.acknowledged > 3);
    assert.ok(servers.length === 2, 'the server was killed once');
    const html = readFileSync(page, 'utf8');
    for (const words of ['SIGKILL to', 'stall target', 'Ledger']) assert.ok(html.includes(words));
  } finally {
    isOver = true;
    await Promise.all([sink, ...servers].map((child) => child.stop('SIGKILL')));
    rmSync(folder, { recursive: true });
  }
});
