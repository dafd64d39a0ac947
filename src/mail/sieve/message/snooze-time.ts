/**
 * When a snoozed message comes back.
 *
 * Runs in:   anywhere; pure.
 * Specs:     draft-ietf-extra-sieve-snooze-07 §3 (times of day, weekdays, time zones).
 */

const dayMs = 86_400_000;

/** `HH:MM` or `HH:MM:SS` as seconds of a day; undefined: no time. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 3_600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Minutes east of UTC at a time, in a zone by name. */
export function zoneOffsetMinutes(epochMs: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    timeZoneName: 'longOffset',
  }).formatToParts(epochMs);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const match = /^GMT([+-])(\d{2}):(\d{2})/.exec(name);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

/**
 * The first of the times of day after `nowMs`, on one of the weekdays (0: Sunday). `offset` tells the zone's minutes
 * east of UTC at a time. `times` and `weekdays` are not empty.
 */
export function nextTime(
  nowMs: number,
  times: readonly number[],
  weekdays: readonly number[],
  offset: (epochMs: number) => number,
): number {
  const localDay = Math.floor((nowMs + offset(nowMs) * 60_000) / dayMs);
  let next = Number.POSITIVE_INFINITY;
  // A week and a day on: today's times may be over.
  for (let day = localDay; day <= localDay + 7; day++) {
    if (!weekdays.includes(new Date(day * dayMs).getUTCDay())) continue;
    for (const seconds of times) {
      const localMs = day * dayMs + seconds * 1_000;
      // The offset of that time itself: summer time may begin before it.
      const guess = localMs - offset(localMs) * 60_000;
      const at = localMs - offset(guess) * 60_000;
      if (at > nowMs && at < next) next = at;
    }
  }
  return next;
}
