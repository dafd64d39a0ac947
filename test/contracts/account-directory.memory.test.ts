import { createMemoryDirectory } from '../../src/adapters/memory/memory-directory.ts';
import { accountDirectoryContract } from './account-directory.ts';

accountDirectoryContract('memory', async (choice) => {
  const directory = createMemoryDirectory(choice);
  return {
    directory,
    async [Symbol.asyncDispose]() {
      await directory.close();
    },
  };
});
