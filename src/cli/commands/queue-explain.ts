/** `chaski queue explain`: what holds a message back, or how a site stands. */

import type { RecipientReason, SiteFacts } from '../../actors/asks/explain-asks.ts';
import type { Command } from '../command.ts';
import { count, instant, pairs } from '../output.ts';
import { markLine } from './shaping-words.ts';

export const explain: Command = {
  name: 'queue explain',
  summary:
    'Say what holds a message back and when it goes next, or how the site of a domain stands.',
  arguments: 'ID|DOMAIN|SITE',
  argumentCount: [1, 1],
  examples: ['queue explain 01JQ5Z8N3K7M0ABC', 'queue explain example.net'],
  notes: 'Exit code 1: no mail went to this domain of late, so nothing is known of its site.',
  async run({ arguments: [of], output, control }) {
    const answer = await (await control()).call('queue.explain', { of: of! });
    const { message, sites } = answer;
    output.result(answer, () => {
      if (message === undefined) {
        const known = sites.flatMap((site) => [...siteLines(site), '']).slice(0, -1);
        return known.length === 0 ? [`Nothing is known of a site of ${of}.`] : known;
      }
      const { id, priority, campaign, expiresMs, recipients } = message;
      const facts: [string, string | number][] = [
        ['message', id],
        ['priority', priority],
        ['campaign', campaign],
        ['expires', instant(expiresMs)],
      ];
      return [
        ...pairs(facts.filter(([, value]) => value !== '')),
        ...recipients.flatMap((recipient) => ['', ...recipientLines(recipient)]),
        ...(recipients.length === 0 ? ['', 'No recipient waits.'] : []),
      ];
    });
    return message === undefined && sites.length === 0 ? 1 : undefined;
  },
};

function recipientLines(recipient: RecipientReason): string[] {
  const { address, attemptCount, lastReply, why, setting, site } = recipient;
  const lines = [`<${address}> ${words(recipient)}.`];
  if (lastReply !== '') {
    const class_ = why === undefined ? '' : ` (${why})`;
    lines.push(`  After ${count(attemptCount, 'attempt')}${class_}: ${lastReply}`);
  }
  if (setting !== undefined) lines.push(`  The setting behind it: ${setting}`);
  if (site !== undefined) lines.push(...siteLines(site).map((line) => `  ${line}`));
  return lines;
}

function words({ reason, untilMs = 0, rule }: RecipientReason): string {
  switch (reason) {
    case 'held':
      return 'is held by an operator: release it with queue release';
    case 'suspended':
      return `is held back by rule ${rule}${untilMs === 0 ? ': end it with queue resume' : ` until ${instant(untilMs)}`}`;
    case 'future-release':
      return `is held back by its sender until ${instant(untilMs)}`;
    case 'retry':
      return `waits for its next attempt at ${instant(untilMs)}`;
    case 'warm-up':
      return `waits for the next day of its sources’ warm-up, at ${instant(untilMs)}`;
    case 'path-suspended':
      return `is not sent before ${instant(untilMs)}: its way is suspended`;
    case 'site-full':
      return 'waits for room before its site';
    case 'site-queue':
      return 'is before its site, or being sent';
    case 'due':
      return 'is about to be tried';
  }
}

function siteLines(site: SiteFacts): string[] {
  const { name, connectionCount, connectionsMax, idleCount, openingCount, serviceMs } = site;
  const lines = [
    `Site ${name}: ${site.waitingCount} of ${site.waitingMax} messages wait, ` +
      `${connectionCount} of ${connectionsMax} connections are open, ` +
      `${idleCount} idle, ${openingCount} being opened, ${serviceMs} ms a message.`,
  ];
  if (site.downUntilMs > 0) {
    lines.push(`It is down, and tried again after ${instant(site.downUntilMs)}: ${site.downReply}`);
  }
  if (site.noGrowthUntilMs > 0) {
    lines.push(`It takes no further connection before ${instant(site.noGrowthUntilMs)}.`);
  }
  lines.push(...shapingLines(site));
  for (const { host, address, badUntilMs } of site.targets) {
    const bad = badUntilMs > 0 ? `, failed: others first until ${instant(badUntilMs)}` : '';
    lines.push(`Host ${host} [${address}]${bad}.`);
  }
  return lines;
}

function shapingLines({ shaping, connectionsMax }: SiteFacts): string[] {
  const { provider, limits, marks, stand } = shaping;
  const lines: string[] = [];
  if (provider !== '') lines.push(`Its hosts are of ${provider}.`);
  for (const { limit, value, rule } of limits) lines.push(`Limit ${limit} ${value}, by ${rule}.`);
  if (stand !== undefined) {
    const [limit, fellMs, growsMs, reply] = stand;
    const since = fellMs === 0 ? '' : ` since ${instant(fellMs)}: ${reply}`;
    lines.push(`It stands ${limit} of ${connectionsMax} connections${since}`);
    lines.push(`One more may come after ${instant(growsMs)}, if all of them are used.`);
  }
  return [...lines, ...marks.map(markLine)];
}
