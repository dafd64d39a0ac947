/**
 * Writes dates as messages carry them.
 *
 * Runs in:   every thread; pure, but for one remembered second per writer.
 * Specs:     RFC 5322 §3.3. Always +0000: RFC 5322 keeps -0000 for clocks that know no zone.
 */

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
export const monthNames = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const;

/** As `Sun, 22 Nov 2026 02:09:16 +0000`. */
export function formatDate(epochMs: number): string {
  const date = new Date(epochMs);
  return (
    `${weekdays[date.getUTCDay()]}, ${date.getUTCDate()} ${monthNames[date.getUTCMonth()]} ` +
    `${String(date.getUTCFullYear()).padStart(4, '0')} ${two(date.getUTCHours())}:` +
    `${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
  );
}

/** `formatDate` that remembers its last second: a busy thread formats once a second. */
export class DateWriter {
  #second = Number.NaN;
  #text = '';

  write(epochMs: number): string {
    const second = Math.floor(epochMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = formatDate(second * 1_000);
    }
    return this.#text;
  }
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
