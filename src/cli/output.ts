/**
 * What commands print: text for people, or with `--json` one JSON value (or one a line, where items stream).
 *
 * Runs in:   the CLI's process.
 * Invariant: with `--json` standard output holds nothing but JSON; faults go to standard error.
 */

export interface OutputStreams {
  readonly out: { write(text: string): unknown };
  readonly error: { write(text: string): unknown };
}

export class Output {
  readonly isJson: boolean;
  readonly #streams: OutputStreams;

  constructor(isJson: boolean, streams: OutputStreams) {
    this.isJson = isJson;
    this.#streams = streams;
  }

  /** The command's result: as JSON, or as the lines `render` makes of it. */
  result<T>(value: T, render: (value: T) => string | readonly string[]): void {
    if (this.isJson) {
      this.#streams.out.write(`${JSON.stringify(value)}\n`);
      return;
    }
    const text = render(value);
    const lines = typeof text === 'string' ? [text] : text;
    for (const line of lines) this.#streams.out.write(`${safe(line)}\n`);
  }

  /** A word on the way, for people only. */
  say(text: string): void {
    if (!this.isJson) this.#streams.error.write(`${safe(text)}\n`);
  }

  /** How far a long command is: a line on standard error, for people or as JSON. */
  progress(value: unknown, text: string): void {
    const line = this.isJson ? JSON.stringify({ progress: value }) : safe(text);
    this.#streams.error.write(`${line}\n`);
  }

  fault(code: string, detail: string): void {
    const text = this.isJson ? JSON.stringify({ error: { code, detail } }) : `chaski: ${detail}`;
    this.#streams.error.write(`${text}\n`);
  }
}

/** Rows under a head, columns as wide as they need. Numbers are set to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const texts = rows.map((row) => row.map(String));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => row[column]!.length)),
  );
  const isNumber = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [line(head), ...texts.map(line)];
}

/** `name: value` lines with the values under each other. */
export function pairs(rows: readonly (readonly [string, string | number])[]): readonly string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length)) + 1;
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width)} ${value}`.trimEnd());
}

export function instant(epochMs: number): string {
  return epochMs === 0 ? '-' : new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) [value, unit] = [value / 1_024, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Text of remotes must not steer the operator's terminal. */
function safe(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}
