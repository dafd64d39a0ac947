/**
 * How hard a password is to guess, as zxcvbn estimates it.
 *
 * Runs in:   threads marked for jobs; pure. The dictionaries are loaded at the first question: other threads need none.
 * Limits:    the first `charsMax` characters are looked at: the estimate costs more than in proportion.
 */

const charsMax = 128;

interface Estimator {
  check(password: string, words?: string[]): { readonly score: number };
}

let estimator: Promise<Estimator> | undefined;

async function load(): Promise<Estimator> {
  const [{ ZxcvbnFactory }, common] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  return new ZxcvbnFactory({ dictionary: common.dictionary, graphs: common.adjacencyGraphs });
}

/** 0: among the first thousand guesses; 4: out of reach. `words` are what a guesser would try first. */
export async function passwordScore(password: string, words: readonly string[]): Promise<number> {
  estimator ??= load();
  return (await estimator).check(password.slice(0, charsMax), [...words]).score;
}
