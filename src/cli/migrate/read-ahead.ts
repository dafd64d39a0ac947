/**
 * Reads pieces of work over several connections at once and hands them out in order.
 *
 * Runs in:   the CLI's process.
 * Limits:    `aheadMax` pieces are being read, or read and not handed out.
 * Invariant: a piece's failure is thrown where the piece would have come; nothing is read after it.
 */

export async function* readAhead<Piece, Result>(
  pieces: readonly Piece[],
  readers: readonly ((piece: Piece) => Promise<Result>)[],
  aheadMax: number,
): AsyncIterable<Result> {
  const results = new Map<number, Promise<Result>>();
  const idle = [...readers];
  const waiting: (() => void)[] = [];
  let isOver = false;
  const read = async (piece: Piece): Promise<Result> => {
    while (idle.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    const reader = idle.pop()!;
    try {
      if (isOver) throw new Error('nobody waits for it');
      return await reader(piece);
    } catch (error) {
      isOver = true;
      throw error;
    } finally {
      idle.push(reader);
      waiting.shift()?.();
    }
  };
  const start = (index: number) => {
    if (index >= pieces.length) return;
    const result = read(pieces[index]!);
    // It is thrown when its turn comes.
    result.catch(() => {});
    results.set(index, result);
  };
  for (let index = 0; index < aheadMax; index++) start(index);
  try {
    for (let index = 0; index < pieces.length; index++) {
      const result = await results.get(index)!;
      results.delete(index);
      yield result;
      start(index + aheadMax);
    }
  } finally {
    isOver = true;
    await Promise.allSettled(results.values());
  }
}
