/** `chaski demo`: a server to try out, with a demo domain, showing mail as it arrives. */

import { load } from '../../settings/load.ts';
import type { Command } from '../command.ts';

const demo: Command = {
  name: 'demo',
  summary: 'Run a server to try out: a demo domain, two accounts, mail shown as it arrives.',
  examples: ['demo'],
  notes:
    'Accounts are made on an empty data folder only. The log shows warnings; raise it with --set log.level=info.',
  async run({ settings, settingsSources }) {
    const { serve } = await import('../../main.ts');
    const given = settings();
    const isQuiet = given.log.level === 'info' && !settingsSources.assignments.some(setsLevel);
    const shown = isQuiet ? { ...given, log: { ...given.log, level: 'warn' as const } } : given;
    return await serve(shown, {
      reload: () => load(settingsSources),
      onReady: async (server) => {
        const { startDemo } = await import('../../app/demo.ts');
        const running = await startDemo(server, (text) => process.stdout.write(`${text}\n`));
        return () => running.stop();
      },
    });
  },
};

const setsLevel = (assignment: string) => assignment.startsWith('log.level=');

export const demoCommands: readonly Command[] = [demo];
