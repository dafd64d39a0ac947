/**
 * A relay among difficult receivers: several tenants hand in mail by SMTP and HTTP for sites that greylist, defer,
 * limit and refuse. Whom a site does not know must be reported to the sender, whose mail goes to the same sink.
 *
 * Runs in: crash runs.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../bench/servers/free-port.ts';
import { openControl } from '../../src/cli/control-client.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import { HttpInjection, type HttpTenant } from './http-injection.ts';
import { type Scene, scenarioFile } from './scenes.ts';

const sites = ['one.test', 'two.test', 'three.test'] as const;
const tenantNames = ['acme', 'globex'] as const;
const httpRecipients = sites.flatMap((site) => [
  ...Array.from({ length: 9 }, (_, i) => `person${i + 1}@${site}`),
  `nobody99@${site}`,
]);

/** Waits that operators set in minutes: here they must end within the run. */
const shortWaits = Object.fromEntries(
  ['GREYLIST', 'RATE', 'OVER_QUOTA', 'BLOCK'].flatMap((reason) => [
    [`CHASKI_RETRY__${reason}_MS_MIN`, '500ms'],
    [`CHASKI_RETRY__${reason}_MS_MAX`, '2s'],
  ]),
);

export async function providersScene(): Promise<Scene> {
  const httpPort = await freePort();
  const tenants: HttpTenant[] = [];
  return {
    name: 'providers',
    // The first is where all others' mail goes, reports to senders above all.
    siteCount: sites.length + 1,
    copiesPerTransaction: 1,
    scenario: scenarioFile('providers'),
    sinkModel: fileURLToPath(new URL('./models/providers.yaml', import.meta.url)),
    reportsFailures: true,
    environment: (ports) => ({
      CHASKI_LISTEN__HTTP: `127.0.0.1:${httpPort}`,
      CHASKI_RELAY__ROUTES: sites
        .map((site, i) => `${site}=smtp://127.0.0.1:${ports[i + 1]}`)
        .join(','),
      ...shortWaits,
    }),
    async prepare(folder) {
      const environment = { CHASKI_DATA: join(folder, 'data') };
      const control = await openControl(loadOrThrow({ environment }));
      for (const name of tenantNames) {
        await control.call('tenant.create', { name });
        await control.call('domain.create', { name: `${name}.test`, tenant: name });
        const from = `shop@${name}.test`;
        const targets = [`reports-${name}@sender.example`];
        await control.call('alias.set', { address: from, targets, mustBeNew: true });
        const { secret } = await control.call('key.create', { tenant: name, scopes: ['send'] });
        tenants.push({ name, secret, from });
      }
      await control.close();
    },
    inject: (ledger) => new HttpInjection({ port: httpPort, ledger, tenants, to: httpRecipients }),
  };
}
