/** Settings of where accounts are kept. */

import { minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { choice, duration, integer, text } from '../fields.ts';

const postgresSection = section('The directory in PostgreSQL (docs/directories.md).', {
  host: text({
    default: 'localhost',
    bounds: 'a name, an address, or the folder of its socket',
    example: '/var/run/postgresql',
    reload: 'restart',
    doc: 'The database server.',
  }),
  port: integer({
    default: 5_432,
    min: 1,
    max: 65_535,
    reload: 'restart',
    doc: 'Its port; of a socket, the number its name ends with.',
  }),
  database: text({
    default: 'chaski',
    reload: 'restart',
    doc: 'The database. Everything of this server stands there in the schema `chaski`.',
  }),
  user: text({
    default: 'chaski',
    reload: 'restart',
    doc: 'The role that logs in to it. It makes the schema, so it needs CREATE on the database.',
  }),
  passwordFile: text({
    default: '',
    bounds: 'a path, or "" for none',
    example: '/etc/chaski/directory-password',
    reload: 'restart',
    doc: 'File whose first line is the password; read anew for each connection.',
  }),
  tls: choice({
    values: ['verify', 'off'],
    default: 'verify',
    reload: 'restart',
    doc: '"verify": TLS, with a certificate that is good for `host`. A socket needs none.',
  }),
  caFile: text({
    default: '',
    bounds: 'a path, or "" for those the system trusts',
    reload: 'restart',
    doc: "Certificates, in PEM, of whom the server's certificate must be signed by.",
  }),
  answerMsMax: duration({
    default: 5 * secondMs,
    min: secondMs,
    max: 5 * minuteMs,
    reload: 'restart',
    doc: 'How long one answer may take, connecting included; the database ends a statement after 80 % of that.',
  }),
});

export const directorySection = section('Where accounts, domains, aliases and roles are kept.', {
  kind: choice({
    values: ['embedded', 'postgres'],
    default: 'embedded',
    reload: 'restart',
    doc: '"embedded": in the data folder. "postgres": in a database that several servers may share; each holds a copy, by which mail and log-ins go on while the database is away.',
  }),
  postgres: postgresSection,
});
