/**
 * MAIL parameters by which a sender says when, how soon and how urgently: HOLDFOR, HOLDUNTIL, BY, MT-PRIORITY.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4865 §5 (hold), RFC 2852 §4 (BY), RFC 6710 §5 (MT-PRIORITY), RFC 3339 (date and time).
 */

export interface ByParameter {
  /** From now; not above 0 only with `notify`. */
  readonly seconds: number;
  readonly mode: 'return' | 'notify';
  readonly isTraced: boolean;
}

export interface TermsParameters {
  holdForSeconds?: number;
  /** Epoch milliseconds. */
  holdUntilMs?: number;
  by?: ByParameter;
  priority?: number;
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/** False: a bad value. Undefined: not a parameter of these. */
export function readTerm(terms: TermsParameters, keyword: string, value = ''): boolean | undefined {
  switch (keyword) {
    case 'HOLDFOR':
      // RFC 4865 §4: one of the two.
      if (!/^\d{1,9}$/.test(value) || terms.holdUntilMs !== undefined) return false;
      terms.holdForSeconds = Number(value);
      return true;
    case 'HOLDUNTIL': {
      const ms = dateTime.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(ms) || terms.holdForSeconds !== undefined) return false;
      terms.holdUntilMs = ms;
      return true;
    }
    case 'BY': {
      const by = parseBy(value);
      if (by === undefined) return false;
      terms.by = by;
      return true;
    }
    case 'MT-PRIORITY':
      if (!/^-?[0-9]$/.test(value)) return false;
      // "-0" is 0.
      terms.priority = Number(value) + 0;
      return true;
    default:
      return undefined;
  }
}

function parseBy(value: string): ByParameter | undefined {
  const match = /^(-?\d{1,9});([rn])(t?)$/i.exec(value);
  if (match === null) return undefined;
  const seconds = Number(match[1]);
  const mode = match[2]!.toLowerCase() === 'r' ? 'return' : 'notify';
  // RFC 2852 §4.1.1: what is to come back in time has time.
  if (mode === 'return' && seconds <= 0) return undefined;
  return { seconds, mode, isTraced: match[3] !== '' };
}
