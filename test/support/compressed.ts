/** A client's side of COMPRESS=DEFLATE over any stream, by Node's zlib: nothing of ours is in it. */

import { Duplex } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';

const flush = constants.Z_SYNC_FLUSH;

/** What is written leaves at once. The stream under it is destroyed with it. */
export function compressed(stream: Duplex): Duplex {
  const inflate = createInflateRaw({ flush, finishFlush: flush });
  const deflate = createDeflateRaw({ flush });
  stream.removeAllListeners();
  stream.on('error', () => {});
  stream.pipe(inflate);
  deflate.pipe(stream);
  const both = Duplex.from({ readable: inflate, writable: deflate });
  both.once('close', () => stream.destroy());
  return both;
}
