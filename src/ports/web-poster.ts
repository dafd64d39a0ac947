/**
 * Posts to URLs that somebody else chose.
 *
 * Contract: `post` answers within the adapter's time limit and never rejects, but for an aborted signal, which is an
 * answer too. Only addresses that may be dialled are connected to, redirects are not followed, and no more of an answer
 * than the adapter's limit is read. `status` is what the other side said, whatever it is.
 */

export type Posted =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly detail: string };

export interface WebPoster {
  post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Posted>;
}
