"""The invariants of messages, run by `keneya check`. They read and never repair: a person sees what they find."""

from invariants import Invariant
from sms.segments import LONG_TEMPLATES
from sms.tables import ENDED_BY_STOP, OWN_STOPS

_LONG_TEMPLATES = ", ".join("'" + template.replace("'", "''") + "'" for template in sorted(LONG_TEMPLATES))

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "sms_sent_has_provider_id",
        "A message that the provider took is known by the provider's id.",
        """select mutuelle_id || ' ' || id from sms_outbox
        where state in ('SENT', 'DELIVERED') and provider_message_id is null""",
    ),
    Invariant(
        "sms_lease_only_while_sending",
        "A message is under a lease while it is being sent, and at no other time.",
        """select mutuelle_id || ' ' || id from sms_outbox
        where (state = 'SENDING') <> (lease_until is not null)""",
    ),
    Invariant(
        "sms_sending_ends",
        "No message is being sent ten minutes after its lease ran out: then no sender is running.",
        """select mutuelle_id || ' ' || id from sms_outbox
        where state = 'SENDING' and lease_until < clock_timestamp() - interval '10 minutes'""",
    ),
    Invariant(
        "sms_one_row_a_provider_id",
        "One provider id stands for one message.",
        """select provider || ' ' || provider_message_id from sms_outbox where provider_message_id is not null
        group by provider, provider_message_id having count(*) > 1""",
    ),
    Invariant(
        "sms_resent_once_at_most",
        "A message is resent at most once.",
        "select mutuelle_id || ' ' || id from sms_outbox where resends > 1",
    ),
    Invariant(
        "sms_states_are_dated",
        "A final state has its date, a doubt has its date, and no other state has either.",
        """select mutuelle_id || ' ' || id from sms_outbox
        where (state in ('DELIVERED', 'FAILED', 'WITHHELD')) <> (final_at is not null)
            or (state = 'IN_DOUBT') <> (in_doubt_at is not null)""",
    ),
    Invariant(
        "sms_one_segment",
        "Each message is one segment, unless its template is listed in sms/segments.py.",
        """select mutuelle_id || ' ' || id || ' ' || template from sms_outbox
        where segments > 1 and template <> all (cast(array[LONG_TEMPLATES] as text[]))""".replace(
            "LONG_TEMPLATES", _LONG_TEMPLATES
        ),
    ),
    Invariant(
        "sms_stop_is_heard",
        "What a STOP of its phone ended is not handed over (a minute for what was under way).",
        """select message.mutuelle_id || ' ' || message.id from sms_outbox message join sms_optout stop
            on stop.phone = message.phone and message.called_at > stop.since + interval '1 minute'
            and (stop.until is null or message.called_at < stop.until)
        where not message.is_reply
            and (stop.source not in (OWN) or split_part(message.template, ',', 1) in (KINDS))""".replace(
            "OWN", ", ".join(f"'{source}'" for source in OWN_STOPS)
        ).replace("KINDS", ", ".join(f"'{kind}'" for kind in ENDED_BY_STOP)),
    ),
    Invariant(
        "sms_in_is_played",
        "No SMS that came in waits for more than an hour.",
        """select provider || ' ' || provider_message_id from sms_inbox
        where state = 'WAITING' and received_at < clock_timestamp() - interval '1 hour'""",
    ),
    Invariant(
        "sms_in_is_answered",
        "An SMS that was answered, or failed, has its answer in the outbox.",
        """select provider || ' ' || provider_message_id from sms_inbox came
        where state in ('ANSWERED', 'FAILED') and not exists (
            select from sms_outbox answer where answer.mutuelle_id = '*' and answer.is_reply
                and answer.phone = came.phone
                and answer.key = 'reply ' || came.provider || ' ' || came.provider_message_id)""",
    ),
    Invariant(
        "sms_in_order",
        "The SMS of one phone are dealt with in the order in which they came (a minute for clocks that differ). Parts "
        "wait for one another; the whole message has its own place.",
        """select provider || ' ' || provider_message_id from (
            select *, lag(handled_at) over (partition by phone order by received_at, nth) as before
            from sms_inbox where handled_at is not null and part is null
        ) came where handled_at < before - interval '1 minute'""",
    ),
    Invariant(
        "sms_action_has_message",
        "Every action agreed to by SMS belongs to one message of that phone, which was answered.",
        """select call from action where gateway = 'sms' and not exists (
            select from sms_inbox came where came.provider_message_id = action.call and came.phone = action.phone
                and came.state = 'ANSWERED')""",
    ),
)
