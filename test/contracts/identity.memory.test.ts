import { createMemoryIdentity } from '../../src/adapters/memory/memory-directory.ts';
import { ownerContract } from './account-owners.ts';
import { credentialContract } from './credentials.ts';
import { groupContract } from './groups.ts';
import type { OpenedIdentity } from './identity-world.ts';
import { levelContract } from './levels.ts';
import { roleContract } from './roles.ts';
import { secondFactorContract } from './second-factors.ts';
import { sharedContract } from './shared.ts';

async function open(): Promise<OpenedIdentity> {
  const identity = createMemoryIdentity();
  return { identity, [Symbol.asyncDispose]: () => identity.directory.close() };
}

credentialContract('memory', open);
secondFactorContract('memory', open);
roleContract('memory', open);
ownerContract('memory', open);
groupContract('memory', open);
levelContract('memory', open);
sharedContract('memory', open);
