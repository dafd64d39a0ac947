/**
 * Names inside the data folder.
 *
 * Runs in: main thread.
 */

import { join } from 'node:path';

export const directoryFolder = (dataFolder: string) => join(dataFolder, 'directory');
export const controlSocket = (dataFolder: string) => join(dataFolder, 'control.sock');
