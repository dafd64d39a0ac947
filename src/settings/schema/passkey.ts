/** Settings of passkeys (WebAuthn). */

import { quote, read, section, unreadable } from '../field.ts';
import { list, text } from '../fields.ts';
import { isDomainName } from '../networks.ts';

function readOrigin(item: string) {
  const url = URL.parse(item);
  const isSecure =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && url.hostname === 'localhost');
  return isSecure && url.origin === item
    ? read<string>(item)
    : unreadable(`${quote(item)} is not https://NAME`);
}

export const passkeySection = section('Passkeys: log-in to the web by WebAuthn.', {
  domain: text({
    default: '',
    bounds: 'a domain name, or "" for the host of `public.url`',
    example: 'example.org',
    reload: 'restart',
    doc: 'The domain that passkeys are made for (the relying party ID): that of the web pages, or one above it. With another one, passkeys made before open nothing. Without it and `public.url` there are no passkeys.',
    spec: 'WebAuthn Level 3 §5.1.2',
    check: (name) =>
      name === '' || name === 'localhost' || isDomainName(name)
        ? undefined
        : `"${name}" is not a domain name`,
  }),
  origins: list<string>({
    type: 'list of origins',
    default: [],
    example: '["https://mail.example.org"]',
    reload: 'restart',
    doc: 'Web pages that may use them, as https://NAME or https://NAME:PORT; empty is `public.url`. For tests on this machine http://localhost is one, too.',
    spec: 'WebAuthn Level 3 §7.1',
    readItem: readOrigin,
    write: (origin) => origin,
  }),
});
