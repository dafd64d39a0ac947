/**
 * Aim: From holds what MAIL FROM may hold: nothing of another tenant, and nothing that was taken back.
 * Method: the real directory in memory; one that holds a read back while it changes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryDirectory } from '../../../src/adapters/memory/memory-directory.ts';
import { SenderAddresses } from '../../../src/app/sender-addresses.ts';
import { defaultTenant } from '../../../src/base/ids.ts';
import type { AccountDirectory } from '../../../src/ports/account-directory.ts';

const ann = 'ann@here.test';
const row = { isEnabled: true, quotaBytes: 0, createdMs: 0 };

async function world() {
  const directory = createMemoryDirectory();
  const tenant = defaultTenant;
  for (const name of ['here.test', 'lent.test']) {
    await directory.putDomain({ name, tenant, createdMs: 0 });
  }
  const sendAs = ['sales@lent.test', '*@lent.test', '*@far.test', 'ann@elsewhere.test'];
  const account = await directory.createAccount({ ...row, tenant, address: ann, sendAs });
  await directory.putAlias({ address: 'a@here.test', tenant, targets: [ann] });
  await directory.putAlias({ address: 'a@lent.test', tenant, targets: [ann] });
  return { directory, account };
}

/** The domain goes, and comes back as somebody else's. */
async function moveLent(directory: AccountDirectory) {
  for (const { address } of await directory.aliases('lent.test')) {
    await directory.deleteAlias(address);
  }
  await directory.deleteDomain('lent.test');
  const { id: tenant } = await directory.createTenant({ name: 'other', createdMs: 0 });
  await directory.putDomain({ name: 'lent.test', tenant, createdMs: 0 });
  await directory.putAlias({ address: 'b@lent.test', tenant, targets: [ann] });
  return tenant;
}

test('an account may use its own addresses, those lent to it, and those outside', async () => {
  const { directory } = await world();
  assert.deepEqual(
    new Set(await new SenderAddresses(directory).of(ann)),
    new Set([
      ...[ann, 'a@here.test', 'a@lent.test', 'sales@lent.test', '*@lent.test'],
      ...['*@far.test', 'ann@elsewhere.test'],
    ]),
  );
});

test('of a domain that moved to another tenant nothing is left, whatever rows say', async () => {
  const { directory } = await world();
  const senders = new SenderAddresses(directory);
  await senders.of(ann);
  await moveLent(directory);
  const left = [ann, 'a@here.test', '*@far.test', 'ann@elsewhere.test'];
  assert.deepEqual(new Set(await senders.of(ann)), new Set(left));
});

test('who lends its name no more is not among them', async () => {
  const { directory, account } = await world();
  const senders = new SenderAddresses(directory);
  const lent = { ...row, address: 'help@lent.test', tenant: defaultTenant, sendAs: [] };
  const owner = await directory.createAccount(lent);
  await directory.putSender(owner.id, account.id, true);
  assert.ok((await senders.of(ann)).includes('help@lent.test'));
  await directory.putSender(owner.id, account.id, false);
  assert.ok((await senders.of(ann)).includes('*@lent.test'));
  assert.ok(!(await senders.of(ann)).includes('help@lent.test'));
});

test('what was read before a change is not remembered after it', async () => {
  const { directory, account } = await world();
  const reading = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const read = directory.aliases.bind(directory);
  directory.aliases = async () => {
    const aliases = await read();
    asked.resolve();
    await reading.promise;
    return aliases;
  };
  const senders = new SenderAddresses(directory);
  const first = senders.of(ann);
  await asked.promise;
  await directory.putAccount({ ...account, sendAs: [] });
  await directory.deleteAlias('a@here.test');
  reading.resolve();
  await first;
  assert.deepEqual(await senders.of(ann), [ann, 'a@lent.test']);
});
