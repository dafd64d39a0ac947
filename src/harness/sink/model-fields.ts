/**
 * The fields of a model file as data: what each takes, and the sentence for who wrote something else.
 *
 * Runs in:   sink; pure.
 * Invariant: every fault found names its place, what stands there and what to write.
 */

export interface Field {
  /** What to write, for the fault's sentence: `a number from 0 to 1, as 0.1`. */
  readonly expects: string;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The value as the model takes it; undefined when it is none. Faults of fields inside go to `faults`. */
  read(value: unknown, place: string, faults: string[]): unknown;
  readonly isRequired?: boolean;
}

export type Fields = Readonly<Record<string, Field>>;

export function number(least: number, most: number, example: number): Field {
  const range = most === Infinity ? `of ${least} or more` : `from ${least} to ${most}`;
  return {
    expects: `a number ${range}, as ${example}`,
    schema: { type: 'number', minimum: least, ...(most === Infinity ? {} : { maximum: most }) },
    read: (value) =>
      typeof value === 'number' && value >= least && value <= most ? value : undefined,
  };
}

export function count(least: number, example: number): Field {
  return {
    expects: `a whole number of ${least} or more, as ${example}`,
    schema: { type: 'integer', minimum: least },
    read: (value) =>
      Number.isSafeInteger(value) && (value as number) >= least ? value : undefined,
  };
}

export function choice(names: readonly string[]): Field {
  return {
    expects: `one of ${names.join(', ')}`,
    schema: { enum: names },
    read: (value) => (names.includes(value as string) ? value : undefined),
  };
}

export function text(pattern: RegExp, expects: string): Field {
  return {
    expects,
    schema: { type: 'string', pattern: pattern.source },
    read: (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined),
  };
}

export function flag(): Field {
  return {
    expects: 'true or false',
    schema: { type: 'boolean' },
    read: (value) => (typeof value === 'boolean' ? value : undefined),
  };
}

export function group(fields: Fields): Field {
  const required = Object.keys(fields).filter((name) => fields[name]!.isRequired === true);
  const inner = Object.entries(fields).map(([name, { schema }]) => [name, schema]);
  return {
    expects: `a group of ${Object.keys(fields).join(', ')}`,
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(inner),
      ...(required.length === 0 ? {} : { required }),
    },
    read: (value, place, faults) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      return readGroup(fields, value as Record<string, unknown>, place, faults);
    },
  };
}

export function list(item: Field): Field {
  return {
    expects: 'a list',
    schema: { type: 'array', items: item.schema },
    read: (value, place, faults) =>
      Array.isArray(value)
        ? value.map((each, at) => readField(item, each, `${place}[${at}]`, faults))
        : undefined,
  };
}

/** Names of one's own choice, each with a value of one kind. */
export function table(item: Field): Field {
  return {
    expects: 'a group of names',
    schema: { type: 'object', additionalProperties: item.schema },
    read: (value, place, faults) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const entries = Object.entries(value).map(([name, each]) => [
        name,
        readField(item, each, `${place}["${name}"]`, faults),
      ]);
      return Object.fromEntries(entries);
    },
  };
}

export function required(field: Field): Field {
  return { ...field, isRequired: true };
}

function readField(field: Field, value: unknown, place: string, faults: string[]): unknown {
  const before = faults.length;
  const read = field.read(value, place, faults);
  if (read === undefined && faults.length === before) {
    faults.push(`${place} is ${shown(value)}: write ${field.expects}`);
  }
  return read;
}

function readGroup(
  fields: Fields,
  values: Record<string, unknown>,
  place: string,
  faults: string[],
): unknown {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const at = place === '' ? name : `${place}.${name}`;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) {
      faults.push(`${at} is unknown: ${adviceFor(name, Object.keys(fields))}`);
    } else {
      read[name] = readField(field, value, at, faults);
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    if (field.isRequired !== true || Object.hasOwn(values, name)) continue;
    faults.push(`${place === '' ? 'the model' : place} needs "${name}": write ${field.expects}`);
  }
  return read;
}

function adviceFor(name: string, known: readonly string[]): string {
  const near = known.find((each) => isNear(name.toLowerCase(), each.toLowerCase()));
  return near === undefined ? `take one of ${known.join(', ')}` : `did you mean "${near}"?`;
}

/** At most one letter added, left out, wrong or swapped with its neighbour, or one is the beginning of the other. */
function isNear(one: string, other: string): boolean {
  if (one.length > 2 && (one.startsWith(other) || other.startsWith(one))) return true;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  const endMax = Math.min(one.length, other.length) - start;
  while (end < endMax && one.at(-1 - end) === other.at(-1 - end)) end++;
  const left = one.slice(start, one.length - end);
  const right = other.slice(start, other.length - end);
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && left === [...right].reverse().join('');
}

const shownCharsMax = 60;

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > shownCharsMax ? `${json.slice(0, shownCharsMax)}…` : json;
}
