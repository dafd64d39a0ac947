/**
 * Rules between settings of filters.
 *
 * Runs in: main thread; reads the file system for the file they name.
 */

import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

export function* filterFaults({ filters }: Settings): Iterable<RuleFault> {
  const { greylist, labels, lists } = filters;
  yield* fileFaults('filters.labels.file', labels.file);
  if (labels.points.length > 0 && labels.file === '') {
    yield {
      paths: ['filters.labels.points', 'filters.labels.file'],
      reason: 'labels count, and no file says which addresses have them',
      advice: 'Name a file, or take the labels out.',
    };
  }
  if (greylist.retryMsMax <= greylist.waitMs) {
    yield {
      paths: ['filters.greylist.retryMsMax', 'filters.greylist.waitMs'],
      reason: 'nobody could come again in time: the wait is as long as what they have for it',
      advice: 'Make retryMsMax longer than waitMs, by a day as a rule.',
    };
  }
  for (const { name, points, answers } of lists) {
    if (points !== 0 || answers.some(({ judgement }) => judgement !== 0)) continue;
    yield {
      paths: ['filters.lists'],
      reason: `${name} is asked, and nothing it answers counts`,
      advice: 'Give it points, or take it out.',
    };
  }
}
