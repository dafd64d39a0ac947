/**
 * Sees to it that one process at a time uses a data folder.
 *
 * The lock is an abstract Unix socket named by the folder's device and inode: the kernel frees it when its holder
 * dies, however it dies, so there is no stale lock to mend. Containers have network namespaces of their own and do
 * not see each other's abstract sockets: a volume must be given to one container only (docs say so).
 *
 * Runs in:   main thread.
 */

import { mkdir, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';

export interface DataLock {
  readonly folder: string;
  release(): Promise<void>;
}

export type DataLockAnswer =
  | { readonly ok: true; readonly lock: DataLock }
  | {
      readonly ok: false;
      readonly reason: 'held';
      /** Process id of the holder, where it told us. */
      readonly processId?: number;
      readonly detail: string;
    };

/** Waits for a holder to tell its process id: it answers at once or is stopped. */
const askMsMax = 500;

/** Makes the folder (0700) where there is none, and takes its lock. Rejects where the folder cannot be made. */
export async function takeDataLock(folder: string): Promise<DataLockAnswer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { dev, ino } = await stat(folder, { bigint: true });
  const path = `\0chaski-${dev.toString(16)}-${ino.toString(16)}`;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(String(process.pid));
  });
  server.unref();
  if (await listen(server, path)) {
    return { ok: true, lock: { folder, release: () => close(server) } };
  }
  const processId = await holderOf(path);
  const holder = processId === undefined ? 'another process' : `process ${processId}`;
  const detail = `${holder} uses ${folder}; stop it first, or name another folder`;
  return { ok: false, reason: 'held', detail, ...(processId === undefined ? {} : { processId }) };
}

function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ path }, () => resolve(true));
  });
}

function holderOf(path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path });
    const done = () => {
      socket.destroy();
      resolve(/^\d{1,10}$/.test(text) ? Number(text) : undefined);
    };
    socket.setTimeout(askMsMax, done);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.length > 10) done();
    });
    socket.on('end', done);
    socket.on('error', done);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
