import { type Kysely, sql } from 'kysely';

/** Guests: users without an email, for a time; and executions that go with their workflow when it moves to another team. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table users alter column email drop not null`.execute(db);
  await sql`
    create table guests (
      user_id uuid primary key references users on delete cascade,
      team_id uuid not null unique references teams on delete cascade,
      expires_at timestamptz not null,
      started_on date not null default '-infinity',
      started integer not null default 0
    )`.execute(db);
  await sql`create index guests_expiry on guests (expires_at)`.execute(db);
  // A start that was looked up before a move would else be stored with the team that the workflow has left.
  await sql`alter table workflows add constraint workflows_of_team unique (id, team_id)`.execute(db);
  await sql`
    alter table executions
      drop constraint executions_workflow_id_fkey,
      add constraint executions_workflow foreign key (workflow_id, team_id) references workflows (id, team_id)
        on delete cascade on update cascade`.execute(db);
}
