"""Every invariant of the ledger, one query each; `keneya check` runs them all.

They read the rows and the catalogue, not the code that wrote them: what the posting function checks when it writes is
proven again here.
"""

from currencies import MINOR_DIGITS
from invariants import Invariant
from ledger.accounts import KINDS
from ledger.invariants.balances import KEPT
from ledger.invariants.funds import FUNDS
from ledger.invariants.periods import PERIODS
from ledger.invariants.seals import SEALS

# Kinds with and without sub-accounts, as a list of SQL rows; the names are lower-case letters.
_KINDS_SQL = ", ".join(f"('{kind.name}', {bool(kind.split_by)})" for kind in KINDS.values())
_CURRENCIES_SQL = ", ".join(f"'{currency}'" for currency in MINOR_DIGITS)

_BOOK = (
    Invariant(
        "ledger_fund_balances",
        "Within a mutuelle, fund and currency the debits are the credits.",
        """select concat_ws(' ', mutuelle_id, split_part(account, ':', 1), currency, sum(debit) - sum(credit))
             from ledger.entry group by mutuelle_id, split_part(account, ':', 1), currency
           having sum(debit) <> sum(credit)""",
    ),
    Invariant(
        "ledger_movement_sound",
        "A movement has a positive amount within the limit and two accounts.",
        """select concat_ws(' ', mutuelle_id, journal_id, position, amount) from ledger.movement
            where amount not between 1 and 1000000000000 or debit_account = credit_account""",
    ),
    Invariant(
        "ledger_movement_within_fund",
        "No movement crosses funds.",
        """select concat_ws(' ', mutuelle_id, journal_id, position, debit_account, credit_account)
             from ledger.movement where split_part(debit_account, ':', 1) <> split_part(credit_account, ':', 1)""",
    ),
    Invariant(
        "ledger_movement_accounts",
        "Both accounts of a movement exist, in its currency, and were not closed by its date.",
        """select concat_ws(' ', m.mutuelle_id, m.journal_id, m.position, side.code, m.currency)
             from ledger.movement m cross join lateral (values (m.debit_account), (m.credit_account)) side (code)
             left join ledger.account a on a.mutuelle_id = m.mutuelle_id and a.code = side.code
            where a.code is null or a.currency <> m.currency or m.effective_on >= a.closed_on""",
    ),
    Invariant(
        "ledger_movement_dated_as_journal",
        "A movement belongs to a journal and has its date and its tick.",
        """select concat_ws(' ', m.mutuelle_id, m.journal_id, m.position, m.effective_on, m.xid::text)
             from ledger.movement m
             left join ledger.journal j on j.mutuelle_id = m.mutuelle_id and j.id = m.journal_id
            where (j.effective_on, j.xid) is distinct from (m.effective_on, m.xid)""",
    ),
    Invariant(
        "ledger_journal_has_movements",
        "A journal has movements, numbered from 1 without a gap; a close, a reopening or a record has none.",
        """select concat_ws(' ', j.mutuelle_id, j.id, count(m.position))
             from ledger.journal j
             left join ledger.movement m on m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id
            group by j.mutuelle_id, j.id, j.kind
           having (count(m.position) = 0 and j.kind not in ('period closed', 'period reopened', 'record'))
               or (count(m.position) > 0 and j.kind in ('period closed', 'period reopened', 'record'))
               or max(m.position) <> count(m.position)""",
    ),
    Invariant(
        "ledger_request_of_journal",
        "Every journal was asked for, once.",
        """select concat_ws(' ', j.mutuelle_id, j.id, count(r.journal_id))
             from ledger.journal j
             left join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
            group by j.mutuelle_id, j.id having count(r.journal_id) <> 1""",
    ),
    Invariant(
        "ledger_journal_of_request",
        "Every request that was answered 'created' has its journal; a refused one has none.",
        """select concat_ws(' ', r.mutuelle_id, r.source, r.key)
             from ledger.request r
             left join ledger.journal j on j.mutuelle_id = r.mutuelle_id and j.id = r.journal_id
            where (r.verdict = 'created') <> (j.id is not null)""",
    ),
    Invariant(
        "ledger_content_unaltered",
        "A journal still says what its key was spent on.",
        """with body as (
               select mutuelle_id, journal_id, string_agg(ledger.movement_text(debit_account, credit_account,
                      amount, currency, phase, pending_journal_id, pending_position, expires_at), ''
                      order by position) as said
                 from ledger.movement group by mutuelle_id, journal_id)
           select concat_ws(' ', j.mutuelle_id, j.id)
             from ledger.journal j
             join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
             left join body b on b.mutuelle_id = j.mutuelle_id and b.journal_id = j.id
            where j.kind not in ('period closed', 'period reopened')
              and r.content_hash <> sha256(convert_to(ledger.journal_text(j.kind, coalesce(j.occurred_on,
                  j.effective_on), j.actor, j.reason, j.reverses_id, j.memo) || coalesce(b.said, ''), 'UTF8'))""",
    ),
)

_REFERENCES = (
    Invariant(
        "ledger_reversed_once",
        "A journal is reversed at most once, by a journal that mirrors it, and a reversal is not reversed.",
        """select concat_ws(' ', r.mutuelle_id, r.id, r.reverses_id)
             from ledger.journal r
             left join ledger.journal o on o.mutuelle_id = r.mutuelle_id and o.id = r.reverses_id
            where r.reverses_id is not null and (o.id is null or o.reverses_id is not null
                  or 1 < (select count(*) from ledger.journal s
                           where s.mutuelle_id = r.mutuelle_id and s.reverses_id = r.reverses_id))""",
    ),
    Invariant(
        "ledger_reversal_mirrors",
        "A reversal is the mirror of what it reverses, movement by movement.",
        """with side as (
               select r.mutuelle_id, r.id as reversal_id, m.position, m.debit_account, m.credit_account, m.amount,
                      m.currency, m.phase in ('single', 'post') as posted
                 from ledger.journal r
                 join ledger.movement m on m.mutuelle_id = r.mutuelle_id and m.journal_id = r.reverses_id),
             other as (
               select r.mutuelle_id, r.id as reversal_id, m.position, m.debit_account, m.credit_account, m.amount,
                      m.currency, m.phase = 'single' as posted
                 from ledger.journal r
                 join ledger.movement m on m.mutuelle_id = r.mutuelle_id and m.journal_id = r.id
                where r.reverses_id is not null)
           select concat_ws(' ', mutuelle_id, reversal_id, position)
             from side s full join other o using (mutuelle_id, reversal_id, position)
            where (s.debit_account, s.credit_account, s.amount, s.currency, s.posted, o.posted)
                  is distinct from (o.credit_account, o.debit_account, o.amount, o.currency, true, true)""",
    ),
    Invariant(
        "ledger_pending_resolved_once",
        "A reservation is posted, voided or expired at most once.",
        """select concat_ws(' ', mutuelle_id, pending_journal_id, pending_position, count(*))
             from ledger.movement where pending_journal_id is not null
            group by mutuelle_id, pending_journal_id, pending_position having count(*) > 1""",
    ),
    Invariant(
        "ledger_resolution_fits",
        "What resolves a reservation has its accounts and currency, and no more than its amount.",
        """select concat_ws(' ', m.mutuelle_id, m.journal_id, m.position)
             from ledger.movement m
             left join ledger.movement p on p.mutuelle_id = m.mutuelle_id and p.journal_id = m.pending_journal_id
                   and p.position = m.pending_position and p.phase = 'pending'
            where (m.phase in ('post', 'void', 'expire') or m.pending_journal_id is not null)
              and ((p.debit_account, p.credit_account, p.currency)
                   is distinct from (m.debit_account, m.credit_account, m.currency)
                   or m.amount > p.amount or (m.phase <> 'post' and m.amount <> p.amount))""",
    ),
)

_RECORDS = (
    Invariant(
        "ledger_account_sound",
        "An account's kind and currency are known ones, and it has a sub-account just where the kind has them.",
        """select concat_ws(' ', a.mutuelle_id, a.code) from ledger.account a
             left join (values KNOWN_KINDS) k (kind, is_split) on k.kind = split_part(a.code, ':', 2)
            where k.kind is null or k.is_split <> (split_part(a.code, ':', 3) <> '')
               or a.currency not in (KNOWN_CURRENCIES)
               or (a.fund, a.kind) <> (split_part(a.code, ':', 1), split_part(a.code, ':', 2))""".replace(
            "KNOWN_KINDS", _KINDS_SQL
        ).replace("KNOWN_CURRENCIES", _CURRENCIES_SQL),
    ),
    Invariant(
        "ledger_dates_possible",
        "Nothing was recorded in the future, or dated before 2000 or far ahead of its recording.",
        """select concat_ws(' ', mutuelle_id, id, effective_on, recorded_at) from ledger.journal
            where recorded_at > clock_timestamp() + interval '1 minute' or effective_on < date '2000-01-01'
               or effective_on > recorded_at + interval '1 year 2 days'""",
    ),
    Invariant(
        "ledger_journal_explained",
        "Every journal names its actor and its reason.",
        """select concat_ws(' ', mutuelle_id, id) from ledger.journal
            where btrim(actor) = '' or btrim(reason) = ''""",
    ),
    Invariant(
        "ledger_no_phone_number",
        "No full phone number stands in the ledger.",
        r"""select concat_ws(' ', mutuelle_id, id) from ledger.journal
             where concat_ws(' ', actor, reason, memo::text) ~ '\+[0-9]{8}'""",
    ),
)

_GUARDS = (
    Invariant(
        "ledger_append_only",
        "The triggers that refuse every change are there and always fire.",
        """select concat_ws(' ', wanted.tab, wanted.name)
             from (values ('account', 'append_only'), ('account', 'only_closes'), ('journal', 'append_only'),
                          ('movement', 'append_only'), ('request', 'append_only'),
                          ('period_act', 'append_only'), ('period_total', 'append_only'),
                          ('seal', 'append_only')) wanted (tab, name)
             left join pg_trigger t on t.tgname = wanted.name and t.tgenabled = 'A'
                   and t.tgrelid = to_regclass('ledger.' || wanted.tab)
            where t.oid is null""",
    ),
    Invariant(
        "ledger_unique_guards",
        "The unique indexes that settle every race are there and valid.",
        """select name from unnest(array['journal_pkey', 'journal_reversed_once', 'movement_pkey',
                  'movement_resolved_once', 'request_pkey', 'request_of_journal', 'account_pkey', 'balance_pkey',
                  'account_day_pkey', 'period_act_pkey', 'seal_pkey']) name
             left join pg_index i on i.indexrelid = to_regclass('ledger.' || name) and i.indisunique and i.indisvalid
            where i.indexrelid is null""",
    ),
    Invariant(
        "ledger_written_by_owner_only",
        "No role but the owner and superusers can write a table of the ledger.",
        """select concat_ws(' ', r.rolname, c.relname)
             from pg_class c cross join pg_roles r
            where c.relnamespace = to_regnamespace('ledger') and c.relkind in ('r', 'p', 'v')
              and r.oid <> c.relowner and not r.rolsuper and r.rolname not like 'pg\\_%'
              and (has_table_privilege(r.oid, c.oid, 'insert, update, delete, truncate, trigger')
                   or has_any_column_privilege(r.oid, c.oid, 'insert, update'))""",
    ),
)

INVARIANTS: tuple[Invariant, ...] = _BOOK + FUNDS + _REFERENCES + _RECORDS + KEPT + PERIODS + SEALS + _GUARDS
