/** Suspensions and their like in words, as `shaping list` and `queue explain` show them. */

import { anyTenant, type Mark } from '../../actors/asks/shaping-asks.ts';
import { matchFields } from '../../settings/shaping/rules.ts';
import { instant } from '../output.ts';

export function markLine(mark: Mark): string {
  const { id, kind, by, why, untilMs, connectionsMax, messagesPerSecond = 0 } = mark;
  const until = `until ${instant(untilMs)}`;
  const from = by === 'operator' ? `by an operator (${id})` : `by rule ${by}`;
  const words = why === '' ? '' : `: ${why}`;
  const part = mark.campaign === undefined ? '' : `campaign ${mark.campaign} of `;
  const whose = mark.tenant === anyTenant ? '' : ` for ${part}tenant ${mark.tenant}`;
  switch (kind) {
    case 'suspend':
      return `Suspended${whose} ${until} ${from}${words}`;
    case 'slow': {
      const rate = `${Math.max(1, Math.round(messagesPerSecond * 60))} messages a minute`;
      return `Slowed to ${connectionsMax} connections and ${rate} ${until} ${from}${words}`;
    }
    case 'source':
      return `Its source is left ${until} ${from}${words}`;
  }
}

/** What it is of. */
export function scopeOf({ path, match, tenant, campaign }: Mark): string {
  const words = matchFields.flatMap((field) => {
    const values = match[field];
    return values === undefined ? [] : [`${field} ${values.join(', ')}`];
  });
  if (path !== '') words.unshift(path);
  if (tenant !== anyTenant) words.push(`tenant ${tenant}`);
  if (campaign !== undefined) words.push(`campaign ${campaign}`);
  return words.join('; ');
}
