import { MemoryLogInSource } from '../../src/adapters/memory/memory-log-in-source.ts';
import { logInSourceContract } from './log-in-source.ts';

logInSourceContract('memory', async () => {
  const source = new MemoryLogInSource('memory');
  return {
    source,
    async put(person) {
      const none = { displayName: '', aliases: [], groups: [], isEnabled: true };
      source.known.push({ id: `person ${source.known.length}`, ...none, ...person });
    },
    async leave() {
      source.isAway = true;
    },
    async comeBack() {
      source.isAway = false;
    },
    async [Symbol.asyncDispose]() {},
  };
});
