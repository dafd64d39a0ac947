/**
 * `HOST:PORT`, as the harness's commands take it.
 *
 * Runs in: harness processes; pure.
 */

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads `127.0.0.1:25` or `[::1]:25`; throws a sentence when it is neither. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`"${text}" is not HOST:PORT`);
  return { host: match[1] ?? match[2]!, port };
}
