"""Households in time: who changed what, and how an officer's registration is confirmed."""

from migrations.script import run_sql

revision = "0007"
down_revision = "0006"

SQL = """
-- An officer's registration: who wrote it, and when the household's own phone said that it is true.
alter table household
    add column registered_by text collate "C" check (registered_by ~ '^[+][0-9]{7,15}$'),
    add column confirmed_at timestamptz check (confirmed_at is null or registered_by is not null);
create index household_registered on household (mutuelle_id, registered_by, enrolled_at)
    where registered_by is not null;
create index household_by_place on household (mutuelle_id, place_id);

-- Who is counted when: the first policy whose price counts this person; a newborn is covered before that.
alter table beneficiary
    add column first_policy integer not null default 1 check (first_policy > 0),
    add column covered_from date check (covered_from >= added_on);

create table household_change (
    mutuelle_id text collate "C" not null,
    number text collate "C" not null,
    position integer not null check (position > 0),
    what text collate "C" not null check (length(what) between 2 and 30),
    detail text not null check (length(detail) <= 70),
    actor text not null check (length(actor) between 1 and 60),
    reason text not null check (length(reason) between 1 and 200),
    changed_at timestamptz not null,
    primary key (mutuelle_id, number, position),
    foreign key (mutuelle_id, number) references household
);
"""


def upgrade() -> None:
    run_sql(SQL)
