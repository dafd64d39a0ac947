/**
 * The schema of a directory in PostgreSQL, as numbered migrations that only go forward.
 *
 * Runs in:   the main thread; SQL in the database's own transaction.
 * Limits:    the log of changes is cut to the newest `revisionsKept`; who is further behind reads all rows.
 * Invariant: a migration that was given out is never changed: another one follows it. A schema that is newer than this
 *            program is refused, for what it means is not known here.
 *            Whoever changes `chaski.row`, this program or psql, goes by its triggers: they take the one row of
 *            `chaski.state`, so revisions are committed in their order, and what was changed stands in `chaski.change`.
 */

import type { Sql } from 'postgres';
import { MailError } from '../../base/errors.ts';

/** What a change is told by; the payload is the revision. */
export const channel = 'chaski_directory';
const revisionsKept = 100_000;

/** Keys and values are those of `adapters/table`; `json` keeps a value's bytes as they were written. */
const rowsAndRevisions = `
  CREATE TABLE chaski.state (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    revision bigint NOT NULL DEFAULT 0,
    kept_from bigint NOT NULL DEFAULT 0
  );
  INSERT INTO chaski.state DEFAULT VALUES;
  CREATE TABLE chaski.row (
    key bytea PRIMARY KEY CHECK (octet_length(key) BETWEEN 1 AND 1978),
    value json
  );
  CREATE TABLE chaski.change (
    revision bigint NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (revision, key)
  );
  CREATE FUNCTION chaski.next_revision() RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE made bigint;
  BEGIN
    UPDATE chaski.state SET revision = revision + 1 RETURNING revision INTO made;
    PERFORM pg_notify('${channel}', made::text);
    IF made % 1000 = 0 AND made > ${revisionsKept} THEN
      DELETE FROM chaski.change WHERE revision <= made - ${revisionsKept};
      UPDATE chaski.state SET kept_from = made - ${revisionsKept};
    END IF;
    RETURN made;
  END $$;
  CREATE FUNCTION chaski.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE made bigint;
  BEGIN
    made := chaski.next_revision();
    IF TG_OP = 'TRUNCATE' THEN
      UPDATE chaski.state SET kept_from = made;
    ELSIF TG_OP = 'INSERT' THEN
      INSERT INTO chaski.change SELECT made, key FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
      INSERT INTO chaski.change SELECT made, key FROM old_rows;
    ELSE
      INSERT INTO chaski.change SELECT made, key FROM new_rows UNION SELECT made, key FROM old_rows;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER inserted AFTER INSERT ON chaski.row
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION chaski.note_change();
  CREATE TRIGGER updated AFTER UPDATE ON chaski.row
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION chaski.note_change();
  CREATE TRIGGER deleted AFTER DELETE ON chaski.row
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION chaski.note_change();
  CREATE TRIGGER emptied AFTER TRUNCATE ON chaski.row
    FOR EACH STATEMENT EXECUTE FUNCTION chaski.note_change();
`;

/** For people and their reports: no secret is in any of them. */
const views = `
  CREATE VIEW chaski.tenant AS
    SELECT 0 AS id, 'default' AS name, NULL::timestamptz AS created_at
    UNION ALL
    SELECT (value->>'id')::int, value->>'name', to_timestamp((value->>'createdMs')::bigint / 1000.0)
    FROM chaski.row WHERE key >= 't' AND key < 'u';
  CREATE VIEW chaski.domain AS
    SELECT value->>'name' AS name, (value->>'tenant')::int AS tenant, value->>'catchAll' AS catch_all,
      value->>'postmaster' AS postmaster,
      to_timestamp((value->>'createdMs')::bigint / 1000.0) AS created_at
    FROM chaski.row WHERE key >= 'd' AND key < 'e';
  CREATE VIEW chaski.account AS
    SELECT (value->>'id')::bigint AS id, (value->>'tenant')::int AS tenant, value->>'address' AS address,
      (value->>'isEnabled')::boolean AS is_enabled, (value->>'quotaBytes')::bigint AS quota_bytes,
      (value->>'quotaMessages')::bigint AS quota_messages,
      value->>'passwordHash' IS NOT NULL AS has_password,
      to_timestamp((value->>'createdMs')::bigint / 1000.0) AS created_at
    FROM chaski.row WHERE key >= 'a' AND key < 'b';
  CREATE VIEW chaski.alias AS
    SELECT convert_from(substring(key FROM position('\\x00'::bytea IN key) + 1), 'UTF8') || '@' ||
        convert_from(substring(key FROM 2 FOR position('\\x00'::bytea IN key) - 2), 'UTF8') AS address,
      (value->'alias'->>'tenant')::int AS tenant,
      ARRAY(SELECT json_array_elements_text(value->'alias'->'targets')) AS targets
    FROM chaski.row WHERE key >= 'n' AND key < 'o' AND value->'alias' IS NOT NULL;
`;

const migrations: readonly { readonly name: string; readonly sql: string }[] = [
  { name: 'rows and revisions', sql: rowsAndRevisions },
  { name: 'views of tenants, domains, accounts and aliases', sql: views },
];

/** Any two programs that migrate one database at once take turns by it. */
const lockNumber = 0x63_68_61_73;

/** Brings the schema up to this program's. @throws MailError `not-possible-now` for a newer one. */
export async function migrate(sql: Sql): Promise<void> {
  if ((await versionOf(sql)) === migrations.length) return;
  await sql.begin(async (own) => {
    await own`SELECT pg_advisory_xact_lock(${lockNumber})`;
    await own`CREATE SCHEMA IF NOT EXISTS chaski`;
    await own`
      CREATE TABLE IF NOT EXISTS chaski.migration (
        number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
      )`;
    const [row] = await own<{ last: number }[]>`
      SELECT coalesce(max(number), 0) AS last FROM chaski.migration`;
    for (let number = row!.last + 1; number <= migrations.length; number++) {
      const { name, sql: text } = migrations[number - 1]!;
      await own.unsafe(text);
      await own`INSERT INTO chaski.migration (number, name) VALUES (${number}, ${name})`;
    }
  });
}

async function versionOf(sql: Sql): Promise<number> {
  const [there] = await sql<{ is_there: boolean }[]>`
    SELECT to_regclass('chaski.migration') IS NOT NULL AS is_there`;
  if (!there!.is_there) return 0;
  const [row] = await sql<{ last: number }[]>`
    SELECT coalesce(max(number), 0) AS last FROM chaski.migration`;
  const { last } = row!;
  if (last <= migrations.length) return last;
  const known = `this program knows ${migrations.length}`;
  throw new MailError(
    'not-possible-now',
    `the directory's schema is at migration ${last}, ${known}`,
  );
}
