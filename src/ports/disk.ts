/**
 * A file system, as the journal sees it. The real one, one in memory, and one that loses power on purpose
 * (`test/simulation`) all keep this contract (`test/contracts/disk.ts`).
 *
 * Contract:
 * - Written bytes are readable at once and durable only after `sync` of the file returned; a created, renamed
 *   or removed name is durable only after `syncFolder` of its folder returned.
 * - `write` resolves when all bytes were taken or rejects; after a rejected `write` or `sync` nothing may be
 *   assumed about what the file holds from then on, and the caller never retries on it.
 * - Byte arrays given to `write` are read until it settles and never kept; arrays returned by `read` are the caller's.
 * - Folders are made 0700 and files 0600.
 */

export type DiskFault = 'no-space' | 'io' | 'missing' | 'exists' | 'denied';

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly fault: DiskFault;
  readonly path: string;

  constructor(fault: DiskFault, path: string, options?: ErrorOptions) {
    super(`${fault}: ${path}`, options);
    this.fault = fault;
    this.path = path;
  }
}

/** `create` fails with `exists` on an existing name; the others fail with `missing` on an absent one. */
export type OpenMode = 'create' | 'write' | 'read';

export interface DiskFile {
  readonly path: string;
  size(): Promise<number>;
  /** Up to `length` bytes from `position`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /**
   * As `read`, but into the caller's bytes and at once: the thread waits. For what is likely to be in memory. Answers
   * how many bytes came.
   */
  readNow(position: number, into: Uint8Array): number;
  write(position: number, parts: readonly Uint8Array[]): Promise<void>;
  /** fdatasync: data, and the size where it changed. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Names in a folder, sorted; `missing` where there is none. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes a folder and its parents; does nothing where it is. */
  makeFolder(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  /** Replaces `to` where it is. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Bytes an unprivileged process may still write on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
}
