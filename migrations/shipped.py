"""What the database must be: every definition and every right as this release's schema makes them.

`shipped.txt` is what `definitions.sql` answers of a database just migrated, a line a thing. After a change of the
schema `pytest tests/test_shipped.py --rewrite-shipped` writes it anew, once with each server (`CONTRIBUTING.md`).
"""

from pathlib import Path

from invariants import Invariant
from migrations.grants import AUDITOR_ROLE

FILE = Path(__file__).with_name("shipped.txt")
DEFINITIONS = FILE.with_name("definitions.sql").read_text(encoding="utf-8")
RIGHTS = "right on |attributes of |membership of "

# What `auditor` has is the most that any role may have but the owner's and the service's: there may be several.
_DIFFERENCES = """with found as materialized (
DEFINITIONS
), shipped as (
    select split_part(line, ' = ', 1) as thing, substr(line, strpos(line, ' = ') + 3) as said
      from unnest(string_to_array($shipped$LINES$shipped$, E'\\n')) line
     where strpos(line, case when current_setting('server_version_num')::int < 160000
                             then ' since PostgreSQL 16 = ' else ' before PostgreSQL 16 = ' end) = 0
), wanted as (
    select thing, said, true as needed from shipped where thing !~ ' to auditor$'
    union all
    select regexp_replace(thing, ' auditor$', ' ' || holder), said, false
      from shipped
     cross join (select distinct holder from found where holder not in ('service', 'public', 'owner')) other
     where thing ~ ' to auditor$'
)
select concat_ws(' ', case when w.thing is null then 'extra:' when f.thing is null then 'missing:' else 'differs:' end,
                 thing, case when f.thing is not null then '= ' || f.said end,
                 case when w.thing is not null and f.thing is not null then ', shipped as ' || w.said end)
  from wanted w full join found f using (thing)
 where w.said is distinct from f.said and (f.thing is not null or w.needed) and (thing ~ '^(RIGHTS)') = IS_RIGHT
 order by 1"""


def lines() -> list[str]:
    """What is shipped, also what only an older server says."""
    return FILE.read_text(encoding="utf-8").splitlines()


def line(thing: str, said: str) -> str:
    """As it stands in the file, whatever the auditor's role is called here."""
    return f"{thing} = {said}".replace(f" to role {AUDITOR_ROLE} = ", " to auditor = ")


def _differences(*, rights: bool) -> str:
    asked = _DIFFERENCES.replace("IS_RIGHT", str(rights).lower()).replace("RIGHTS", RIGHTS)
    return asked.replace("LINES", "\n".join(lines())).replace("DEFINITIONS", DEFINITIONS)


CHECKS = (
    Invariant(
        "definitions_as_shipped",
        "Functions, views, triggers, constraints, columns and the rest are what this release's migrations make.",
        _differences(rights=False),
    ),
    Invariant(
        "rights_as_shipped",
        "Nobody but the owner has another right than the service's list and the auditor's give.",
        _differences(rights=True),
    ),
)
