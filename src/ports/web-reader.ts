/**
 * Documents of the web that log-in needs: what an issuer of tokens says of itself, and its keys.
 *
 * Contract: `read` answers within the adapter's time limit and never rejects. The text is that of an answer with status
 * 200 to a GET of `url`, without any redirect, and is `bytesMax` octets at most.
 */

export type WebText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly detail: string };

export interface WebReader {
  read(url: string, bytesMax: number): Promise<WebText>;
}
