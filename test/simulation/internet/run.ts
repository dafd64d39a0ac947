/** Simulates a day of a relay on an Internet of troubled providers, and says whether it kept its promises. */

import { parseArgs } from 'node:util';
import { type DayReport, simulateDay } from './internet.ts';

const help = `Simulates a day of a relay on an Internet of troubled providers, and says whether it kept its promises.

  node test/simulation/internet/run.ts [--hours N] [--tenants N] [--domains N] [--messages N] [--hot N] [--calm]
                                       [--seed NUMBER] [--json]

  --hours N       simulated hours (24)
  --tenants N     who send (200)
  --domains N     where to (5000)
  --messages N    how many (2000000)
  --hot N         messages of one tenant more, in campaigns (0)
  --calm          providers without troubles
  --seed NUMBER   the same seed gives the same day, and the same event log (1)
  --json          the whole report, and nothing else
  --help          this text

Example:
  node test/simulation/internet/run.ts --hours 1 --tenants 10 --domains 50 --messages 20000

Exit code: 0 when nothing was lost, doubled or over its limit, else 1.`;

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '24' },
    tenants: { type: 'string', default: '200' },
    domains: { type: 'string', default: '5000' },
    messages: { type: 'string', default: '2000000' },
    hot: { type: 'string', default: '0' },
    calm: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}

const startMs = performance.now();
const progressMs = 10_000;
let toldMs = startMs;

function seconds(): number {
  return (performance.now() - startMs) / 1_000;
}

const report = await simulateDay({
  seed: Number(values.seed),
  hours: Number(values.hours),
  tenants: Number(values.tenants),
  domains: Number(values.domains),
  messages: Number(values.messages),
  hotMessages: Number(values.hot),
  isCalm: values.calm,
  onProgress: (second, { accepted, delivered, failed, expired }) => {
    if (values.json || performance.now() - toldMs < progressMs) return;
    toldMs = performance.now();
    const memory = Math.round(process.memoryUsage.rss() / 1_048_576);
    const ended = delivered + failed + expired;
    const hour = (second / 3_600).toFixed(1);
    console.log(
      `  hour ${hour}, ${accepted} accepted, ${ended} ended, ${seconds().toFixed(0)} s, ${memory} MiB`,
    );
  },
});

function describe({ counts, faults, fairness, connectionsMost, ...rest }: DayReport): string {
  const { accepted, recipients, delivered, duplicates, failed, expired, queued, deferrals } =
    counts;
  const { windows, unfair, meanSpread } = fairness;
  return [
    `${accepted} messages to ${recipients} recipients in ${seconds().toFixed(1)} s: ` +
      `${Math.round(accepted / seconds())} messages a second`,
    `${delivered} delivered, ${failed} failed, ${expired} expired, ${queued} queued; ${deferrals} deferrals, ` +
      `${counts.reports} reports, ${duplicates} duplicates after a lost answer`,
    `at most ${connectionsMost} connections to a site`,
    `${windows} windows shared by backlogs, ${unfair} of them unfairly, mean spread ${(100 * meanSpread).toFixed(1)} %`,
    ...fairness.worst.map((each) => `  ${JSON.stringify(each)}`),
    `event log ${rest.eventsHash}, ${rest.eventsBytes} bytes`,
    ...faults.map((fault) => `FAULT ${fault}`),
    faults.length === 0 ? 'PASSED: nothing was lost, doubled or over its limit' : 'FAILED',
  ].join('\n');
}

if (values.json) {
  const firstAttemptMs = Object.fromEntries(report.firstAttemptMs);
  console.log(JSON.stringify({ ...report, firstAttemptMs, seconds: seconds() }, undefined, 2));
} else console.log(describe(report));
process.exitCode = report.faults.length === 0 ? 0 : 1;
