/**
 * Reads a zone in the form of master files: what a DNS would say, written down.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 1035 §5.1 ($ORIGIN, $TTL, parentheses, quoted strings, `\\DDD`), RFC 3596 (AAAA), RFC 2782 (SRV).
 * Limits:    types are those of `zoneTypes`; SOA and NS are passed over, others are a fault, and so is $INCLUDE.
 */

const zoneTypes = ['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'SRV', 'TXT'] as const;
export type ZoneType = (typeof zoneTypes)[number];

export interface ZoneRecord {
  /** In lower case, without a dot at its end. */
  readonly name: string;
  readonly type: ZoneType;
  readonly ttlSeconds: number;
  /** Strings of a TXT record joined; names without a dot at their end. */
  readonly values: readonly string[];
}

export class ZoneFault extends Error {
  override readonly name = 'ZoneFault';
}

const ttlDefault = 3_600;
/** How many values a record of each type has. */
const valueCounts = { A: 1, AAAA: 1, CNAME: 1, MX: 2, PTR: 1, SRV: 4 } as const;
/** Of a whole zone; nobody asks for them. */
const passedOver: ReadonlySet<string> = new Set(['SOA', 'NS']);
/** Which of its values is a name. */
const nameAt: Readonly<Record<string, number>> = { CNAME: 0, MX: 1, PTR: 0, SRV: 3 };

/** @throws ZoneFault with the line */
export function parseZone(text: string): readonly ZoneRecord[] {
  const reader = new ZoneReader();
  for (const entry of entriesOf(text)) reader.read(entry);
  return reader.records;
}

class ZoneReader {
  readonly records: ZoneRecord[] = [];
  #origin = '';
  #ttlSeconds = ttlDefault;
  #last: string | undefined;

  read({ line, words, startsBlank }: Entry): void {
    try {
      if (words[0]!.startsWith('$')) this.#directive(words);
      else this.#record(words, startsBlank);
    } catch (error) {
      throw new ZoneFault(`line ${line}: ${(error as Error).message}`);
    }
  }

  #directive([name, value = '']: readonly string[]): void {
    if (name === '$ORIGIN' && value !== '') this.#origin = absolute(value, this.#origin);
    else if (name === '$TTL' && /^\d{1,9}$/.test(value)) this.#ttlSeconds = Number(value);
    else throw new ZoneFault(`${name} ${value} is not known here`);
  }

  #record(words: readonly string[], startsBlank: boolean): void {
    const fields = [...words];
    const name = startsBlank ? this.#last : absolute(fields.shift()!, this.#origin);
    if (name === undefined) throw new ZoneFault('the first record has no name');
    this.#last = name;
    let ttlSeconds = this.#ttlSeconds;
    while (/^(?:\d{1,9}|IN)$/i.test(fields[0] ?? '')) {
      const word = fields.shift()!;
      if (/^\d/.test(word)) ttlSeconds = Number(word);
    }
    const given = (fields.shift() ?? '').toUpperCase();
    if (passedOver.has(given)) return;
    const type = zoneTypes.find((each) => each === given);
    if (type === undefined) {
      throw new ZoneFault(`"${given}" is no type of a record; ${zoneTypes.join(', ')} are`);
    }
    this.records.push({ name, type, ttlSeconds, values: this.#values(type, fields) });
  }

  #values(type: ZoneType, fields: readonly string[]): readonly string[] {
    if (type === 'TXT' && fields.length > 0) return [fields.join('')];
    const count = type === 'TXT' ? 1 : valueCounts[type];
    if (fields.length !== count) throw new ZoneFault(`values of ${type}: ${count} wanted`);
    return fields.map((value, i) => (i === nameAt[type] ? absolute(value, this.#origin) : value));
  }
}

/** In lower case, without its last dot; a name without one stands below the origin, `@` for it. */
function absolute(name: string, origin: string): string {
  const lower = name.toLowerCase();
  if (lower === '@') return origin;
  if (lower.endsWith('.')) return lower.slice(0, -1);
  return origin === '' ? lower : `${lower}.${origin}`;
}

interface Entry {
  readonly line: number;
  /** One at the least. */
  readonly words: readonly string[];
  readonly startsBlank: boolean;
}

const wordPattern = /"((?:\\.|[^"\\])*)"|([^\s;()"]+)|(;[^\n]*)|([()])|(\n)/gs;

/** Entries: lines, those within parentheses as one. */
function* entriesOf(text: string): Generator<Entry> {
  let words: string[] = [];
  let line = 1;
  let start = 1;
  let depth = 0;
  let startsBlank = /^[ \t]/.test(text);
  for (const match of `${text}\n`.matchAll(wordPattern)) {
    const [, quoted, plain, , bracket, end] = match;
    if (quoted !== undefined) words.push(unescaped(quoted));
    else if (plain !== undefined) words.push(unescaped(plain));
    else if (bracket !== undefined) depth += bracket === '(' ? 1 : -1;
    if (words.length === 1) start = line;
    if (end === undefined) continue;
    line++;
    if (depth > 0) continue;
    if (words.length > 0) yield { line: start, words, startsBlank };
    words = [];
    startsBlank = /^[ \t]/.test(text.slice(match.index + 1, match.index + 2));
  }
  if (depth > 0) throw new ZoneFault(`line ${start}: a "(" without its ")"`);
}

function unescaped(text: string): string {
  return text.replace(/\\(\d{3}|.)/gs, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number(code)) : code,
  );
}
