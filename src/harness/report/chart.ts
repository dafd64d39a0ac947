/**
 * Line charts as SVG: drawn here, so that a report needs neither a script nor the network.
 *
 * Runs in:   reports; pure.
 * Limits:    a line keeps at most `pointsMax` points, each the highest of those it stands for: no peak is lost.
 */

export interface Line {
  readonly name: string;
  /** Class in the page's style: `line-1` to `line-4`. */
  readonly style: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly title: string;
  readonly write: (value: number) => string;
  /** Absent: round steps. */
  readonly ticks?: readonly number[];
  /** It ends at its highest value, not at the tick above. */
  readonly isTight?: boolean;
  /** Values that it holds, whatever the lines do: charts side by side can be compared. */
  readonly holds?: readonly number[];
  /** Where a value stands on the axis; absent: as it is. */
  readonly place?: (value: number) => number;
}

export interface ChartOptions {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** What happened at a value of x: drawn from top to bottom, told where a pointer rests. */
  readonly marks?: readonly Mark[];
}

export interface Mark {
  readonly at: number;
  /** Where it was over; absent: at once. */
  readonly until?: number;
  readonly text: string;
}

const width = 720;
const height = 260;
const left = 62;
const right = 14;
const top = 14;
const bottom = 42;
const pointsMax = 600;
const ticksWanted = 5;

export function chart({ title, x, y, lines, marks = [] }: ChartOptions): string {
  const kept = lines.filter(({ points }) => points.length > 0);
  const all = kept.flatMap(({ points }) => points);
  if (all.length === 0) return `<p class="none">${escaped(title)}: nothing was measured.</p>`;
  const xs = rangeOf(
    [...all.map(([value]) => value), ...marks.flatMap(({ at, until = at }) => [at, until])],
    x,
  );
  const ys = rangeOf([0, ...all.map(([, value]) => value)], y);
  const placeX = (value: number) => left + xs.part(value) * (width - left - right);
  const placeY = (value: number) => height - bottom - ys.part(value) * (height - top - bottom);
  const parts = [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    ...ys.ticks.map((tick) => horizontal(placeY(tick), y.write(tick))),
    ...xs.ticks.map((tick) => vertical(placeX(tick), x.write(tick))),
    `<text class="axis" x="${(left + width - right) / 2}" y="${height - 6}">${escaped(x.title)}</text>`,
    ...kept.map(({ style, points }) => {
      const path = thinned(points).map(
        ([px, py], i) => `${i === 0 ? 'M' : 'L'}${fixed(placeX(px))} ${fixed(placeY(py))}`,
      );
      return `<path class="${style}" d="${path.join('')}"/>`;
    }),
    ...marks.map(({ at, until = at, text }) => markLine(placeX(at), placeX(until), text)),
    '</svg>',
  ];
  const names = kept.map(
    ({ name, style }) => `<span><i class="${style}"></i>${escaped(name)}</span>`,
  );
  const caption = `<figcaption><b>${escaped(title)}</b> <small>${escaped(y.title)}</small>`;
  return `<figure>${caption}<span class="legend">${names.join('')}</span></figcaption>${parts.join('')}</figure>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

function horizontal(at: number, label: string): string {
  const line = `<line class="grid" x1="${left}" x2="${width - right}" y1="${fixed(at)}" y2="${fixed(at)}"/>`;
  return `${line}<text class="tick y" x="${left - 6}" y="${fixed(at + 4)}">${escaped(label)}</text>`;
}

function vertical(at: number, label: string): string {
  const line = `<line class="grid" y1="${top}" y2="${height - bottom}" x1="${fixed(at)}" x2="${fixed(at)}"/>`;
  return `${line}<text class="tick" x="${fixed(at)}" y="${height - bottom + 15}">${escaped(label)}</text>`;
}

function markLine(at: number, until: number, text: string): string {
  const line = `<line class="mark" x1="${fixed(at)}" x2="${fixed(at)}" y1="${top}" y2="${height - bottom}"/>`;
  const size = `width="${fixed(until - at)}" height="${height - top - bottom}"`;
  const span = until > at ? `<rect class="span" x="${fixed(at)}" y="${top}" ${size}/>` : '';
  return `<g>${span}${line}<title>${escaped(text)}</title></g>`;
}

interface Range {
  readonly ticks: readonly number[];
  /** From 0 to 1. */
  part(value: number): number;
}

function rangeOf(
  values: readonly number[],
  { place = same, ticks, isTight = ticks !== undefined, holds = [] }: Axis,
): Range {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of [...values, ...holds]) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === low) high = low + 1;
  const chosen = ticks ?? roundTicks(low, high);
  const upper = isTight ? high : Math.max(high, chosen.at(-1)!);
  const shown = chosen.filter((tick) => tick >= low && tick <= upper);
  const from = place(low);
  const span = place(upper) - from || 1;
  return { ticks: shown, part: (value) => (place(value) - from) / span };
}

/** Steps of 1, 2 or 5 times a power of ten. */
function roundTicks(low: number, high: number): readonly number[] {
  const rough = (high - low) / ticksWanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick < high + step; tick += step) ticks.push(tick);
  return ticks;
}

/** Of each run of neighbours the highest. */
function thinned(points: Line['points']): Line['points'] {
  if (points.length <= pointsMax) return points;
  const run = points.length / pointsMax;
  return Array.from({ length: pointsMax }, (_, i) => {
    const some = points.slice(Math.floor(i * run), Math.floor((i + 1) * run));
    return some.reduce((highest, point) => (point[1] > highest[1] ? point : highest));
  });
}

function same(value: number): number {
  return value;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
