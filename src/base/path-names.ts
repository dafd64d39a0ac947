/**
 * Names of paths: a site, and the source its mail leaves by. Limits, connections and feedback are a path's.
 *
 * Runs in:   anywhere; pure.
 * Invariant: where no sources are set, a path has its site's name, and both functions give that back as it is.
 */

/** No source's name holds it; a host's may: so the last one counts. */
const separator = '|';

/** The name of the one source there is where none is set. */
export const defaultSourceName = 'default';

export function pathName(site: string, source: string): string {
  return site + separator + source;
}

/** The site's part of a path's name. */
export function siteOfPath(path: string): string {
  const at = path.lastIndexOf(separator);
  return at < 0 ? path : path.slice(0, at);
}
