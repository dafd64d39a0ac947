/** Simulates a day of a relay on an Internet of troubled providers, and says whether it kept its promises. */

import { parseArgs } from 'node:util';
import { mebibyte } from '../../../src/base/units.ts';
import { type DayOptions, type DayReport, type Progress, simulateDay } from './internet.ts';
import { verdictOfHotTenant, verdictOfSeed, verdictsOfDay, withMark } from './verdict.ts';

const help = `Simulates a day of a relay on an Internet of troubled providers, and says whether it kept its promises.

  node test/simulation/internet/run.ts [--hours N] [--tenants N] [--domains N] [--messages N] [--hot N] [--calm]
                                       [--seed NUMBER] [--short] [--json]

  --hours N       simulated hours (24)
  --tenants N     who send (200)
  --domains N     where to (5000)
  --messages N    how many (2000000)
  --hot N         messages of one tenant more, in campaigns (0)
  --calm          providers without troubles
  --seed NUMBER   the same seed gives the same day, and the same event log (1)
  --short         the day alone: it is not begun again, and no calm hours with a hot tenant follow
  --json          the whole report, and nothing else
  --help          this text

Example:
  node test/simulation/internet/run.ts --hours 1 --tenants 10 --domains 50 --messages 20000

Exit code: 0 when all it promises was kept, else 1.`;

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '24' },
    tenants: { type: 'string', default: '200' },
    domains: { type: 'string', default: '5000' },
    messages: { type: 'string', default: '2000000' },
    hot: { type: 'string', default: '0' },
    calm: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    short: { type: 'boolean', default: false },
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
let toldCount = 0;

function seconds(): number {
  return (performance.now() - startMs) / 1_000;
}

function tell({ second, counts, diskBytes, faults, unfair }: Progress): void {
  const nowMs = performance.now();
  if (values.json || nowMs - toldMs < progressMs) return;
  const { accepted, delivered, failed, expired, recipients } = counts;
  const rate = Math.round((1_000 * (accepted - toldCount)) / (nowMs - toldMs));
  toldMs = nowMs;
  toldCount = accepted;
  const { rss, heapUsed } = process.memoryUsage();
  const ended = delivered + failed + expired;
  console.log(
    `  hour ${(second / 3_600).toFixed(1)}, ${accepted} accepted, ${recipients - ended} wait, ` +
      `${seconds().toFixed(0)} s, ${rate} messages/s, ${inMiB(rss)} MiB (${inMiB(heapUsed)} heap, ${inMiB(diskBytes)} disk), ` +
      `${faults.length} faults, ${unfair} unfair`,
  );
}

function inMiB(bytes: number): number {
  return Math.round(bytes / mebibyte);
}

const options: DayOptions = {
  seed: Number(values.seed),
  hours: Number(values.hours),
  tenants: Number(values.tenants),
  domains: Number(values.domains),
  messages: Number(values.messages),
  hotMessages: Number(values.hot),
  isCalm: values.calm,
};
const report = await simulateDay({ ...withMark(options), onProgress: tell });
const daySeconds = seconds();
// Linux counts it in kilobytes.
const peakBytes = process.resourceUsage().maxRSS * 1_024;
const verdicts = verdictsOfDay(report, peakBytes);
if (!values.short) {
  verdicts.push(await verdictOfSeed(options, report));
  verdicts.push(await verdictOfHotTenant(options.seed));
}
const isPassed = verdicts.every(({ isKept }) => isKept);

function describe({ counts, faults, fairness, ...rest }: DayReport): string {
  const { accepted, recipients, delivered, failed, expired, queued, deferrals, reports } = counts;
  return [
    `${accepted} messages to ${recipients} recipients in ${daySeconds.toFixed(1)} s: ` +
      `${Math.round(accepted / daySeconds)} messages a second`,
    `${delivered} delivered, ${failed} failed, ${expired} expired, ${queued} queued; ${deferrals} deferrals, ` +
      `${reports} reports`,
    `event log ${rest.eventsHash}, ${rest.eventsBytes} bytes; files of at most ${inMiB(rest.diskBytesMost)} MiB`,
    ...fairness.worst.map((each) => `  ${JSON.stringify(each)}`),
    ...faults.map((fault) => `FAULT ${fault}`),
    ...verdicts.map(({ promise, figure, isKept }) => {
      return `${isKept ? 'kept  ' : 'BROKEN'} ${promise}: ${figure}`;
    }),
    isPassed ? 'PASSED' : 'FAILED',
  ].join('\n');
}

if (values.json) {
  const firstAttemptMs = Object.fromEntries(report.firstAttemptMs);
  const all = { ...report, firstAttemptMs, verdicts, isPassed, seconds: daySeconds, peakBytes };
  console.log(JSON.stringify(all, undefined, 2));
} else console.log(describe(report));
process.exitCode = isPassed ? 0 : 1;
