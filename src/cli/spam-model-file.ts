/**
 * The file of a spam model: read whole, replaced whole.
 *
 * Runs in:   the CLI's process.
 * Durability: written beside the old one, synced, renamed, and the folder synced: killed at any point, the old model
 *             or the new one is there. Of two trainings at once the one that ends last stays.
 */

import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { MailError } from '../base/errors.ts';
import { SpamModel } from '../mail/trust/spam/model.ts';
import { modelBytesMax, readModel, writeModel } from '../mail/trust/spam/model-bytes.ts';

/** Undefined where there is no such file. @throws ModelFault */
export function readModelFile(path: string): SpamModel | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile() || stats.size > modelBytesMax) {
    throw new MailError('argument-invalid', `${path}: no model is so large`);
  }
  return readModel(readFileSync(path));
}

export function readOrNewModel(path: string): SpamModel {
  return readModelFile(path) ?? new SpamModel();
}

export function replaceModelFile(path: string, model: SpamModel): void {
  const beside = `${path}.${process.pid}.part`;
  const bytes = writeModel(model);
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  // What a killed process of this number left is nobody's.
  rmSync(beside, { force: true });
  const file = openSync(beside, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
