/** The settings of a server that was told nothing. */

import { loadOrThrow } from '../../src/settings/load.ts';

export const defaultSettings = loadOrThrow({ environment: {} });
