/** Settings of how mail to other servers is shaped. The rules themselves stand in files of their own. */

import { section } from '../field.ts';
import { flag, text } from '../fields.ts';

export const shapingSection = section(
  'Limits and reactions by provider, site, domain, source, tenant and campaign (docs/shaping.md).',
  {
    shipped: flag({
      default: true,
      reload: 'live',
      doc: 'Whether the rules that ship are used: limits for large providers, and what to do about their replies.',
    }),
    file: text({
      default: '',
      bounds: 'a path, or "" for none',
      reload: 'live',
      doc: 'File with shaping rules of your own (TOML), which go before those that ship. Read at the start and at a reload; `chaski shaping check FILE` tells what is wrong with one.',
      example: '/etc/chaski/shaping.toml',
    }),
  },
);
