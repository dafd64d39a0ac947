/**
 * How settings and operators name a key that stands outside the data folder, and the variables that may hold one.
 *
 * Runs in:   anywhere; pure but for the environment it is given.
 * Invariant: a variable's name begins with `keyVariablePrefix`, so that no reference reads another secret of the process.
 */

const keyVariablePrefix = 'CHASKI_KEY_';

/** What is wrong with a reference; undefined: nothing. */
export function keyReferenceFault(reference: string): string | undefined {
  const { kind, rest } = keyReference(reference);
  if (kind === 'file' || kind === 'command') {
    return rest.startsWith('/') ? undefined : `${kind}: takes a whole path`;
  }
  if (kind !== 'env') return 'a key is file:/PATH, env:NAME or command:/PATH';
  const isGood = rest.startsWith(keyVariablePrefix) && /^[A-Z0-9_]+$/.test(rest);
  return isGood ? undefined : `a variable's name begins with ${keyVariablePrefix}`;
}

export function keyReference(reference: string): { readonly kind: string; readonly rest: string } {
  const at = reference.indexOf(':');
  return { kind: reference.slice(0, Math.max(0, at)), rest: reference.slice(at + 1) };
}

/** The variables that may hold keys. */
export function keyVariables(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith(keyVariablePrefix) && value !== undefined) found[name] = value;
  }
  return found;
}
