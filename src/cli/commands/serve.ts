/** `chaski serve`: runs the server in this process until a signal. */

import { load } from '../../settings/load.ts';
import type { Command } from '../command.ts';

const serve: Command = {
  name: 'serve',
  summary: 'Run the server in the foreground until SIGTERM or SIGINT.',
  examples: ['serve -c /etc/chaski/chaski.toml', 'serve --set log.level=debug'],
  notes: 'SIGHUP reads settings and certificates again. SIGTERM ends after open work is done.',
  async run({ settings, settingsSources }) {
    // First, so that wrong settings are told before the whole server is loaded.
    const checked = settings();
    const { serve: run } = await import('../../main.ts');
    return await run(checked, { reload: () => load(settingsSources) });
  },
};

export const serveCommands: readonly Command[] = [serve];
