"""The peer: django-hordak posts contributions, each in one database transaction, by its ordinary models.

Run by the Python of its own scratch environment, never imported by the project. The database is named by libpq's own
variables. `prepare` migrates and opens the accounts; `post` posts for a while by so many processes and prints JSON;
`check` lets it prove its own accounting equation and prints how many transactions there are.
"""

import argparse
import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

MEMBERS = 500
PRICE = 12_000
CURRENCY = "XOF"


def set_up() -> None:
    """Plain settings of Django, as the package's installation page has them."""
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "djmoney", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": os.environ["PGDATABASE"],
                "USER": os.environ["PGUSER"],
                "PASSWORD": os.environ["PGPASSWORD"],
                "HOST": os.environ["PGHOST"],
                "PORT": os.environ["PGPORT"],
                "CONN_MAX_AGE": None,
            }
        },
        DEFAULT_CURRENCY=CURRENCY,
        CURRENCIES=[CURRENCY],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        TIME_ZONE="UTC",
    )
    django.setup()


def prepare() -> None:
    """Its own migrations with their triggers; the float, the income, and a member's account under one parent."""
    from django.core.management import call_command
    from hordak.models import Account, AccountType

    call_command("migrate", verbosity=0)
    Account.objects.create(name="float", type=AccountType.asset, currencies=[CURRENCY])
    Account.objects.create(name="contributions", type=AccountType.income, currencies=[CURRENCY])
    members = Account.objects.create(name="members", type=AccountType.asset, currencies=[CURRENCY])
    with Account.objects.delay_mptt_updates():
        for nth in range(MEMBERS):
            Account.objects.create(name=f"member {nth}", parent=members, currencies=[CURRENCY])


def contribution() -> Callable[[], None]:
    """Posts one: a transaction with four legs, quicker than two of `transfer_to`, and as its documentation has it."""
    from django.db import transaction
    from hordak.models import Account, Leg, Transaction
    from moneyed import Money

    collections, income, members = _accounts(Account)
    amount = Money(PRICE, CURRENCY)

    def post() -> None:
        member = random.choice(members)
        with transaction.atomic():
            event = Transaction.objects.create(description="contribution received")
            Leg.objects.create(transaction=event, account=member, debit=amount)
            Leg.objects.create(transaction=event, account=income, credit=amount)
            Leg.objects.create(transaction=event, account=collections, debit=amount)
            Leg.objects.create(transaction=event, account=member, credit=amount)

    return post


def _accounts(accounts: Any) -> tuple[Any, Any, list[Any]]:
    named = {account.name: account for account in accounts.objects.all()}
    members = [account for name, account in named.items() if name.startswith("member ")]
    return named["float"], named["contributions"], members


def post_for(seconds: float, ready: Any, done: Any) -> None:
    """What one process does, once all are ready."""
    post = contribution()
    ready.wait()
    posted, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        post()
        posted += 1
    done.put((posted, time.perf_counter() - began))


def post_side_by_side(processes: int, seconds: float) -> float:
    """Contributions a second by all processes together."""
    fork = multiprocessing.get_context("fork")
    ready, done = fork.Barrier(processes), fork.Queue()
    work = [fork.Process(target=post_for, args=(seconds, ready, done)) for _ in range(processes)]
    for one in work:
        one.start()
    found = [done.get() for _ in work]
    for one in work:
        one.join()
    return float(sum(posted for posted, _took_s in found) / max(took_s for _posted, took_s in found))


def check() -> int:
    """Its own proof that all accounts together are zero; how many transactions there are."""
    from hordak.models import Account, Transaction

    Account.validate_accounting_equation()
    return int(Transaction.objects.count())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("act", choices=("prepare", "post", "check"))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    set_up()
    if given.act == "prepare":
        prepare()
    elif given.act == "post":
        print(json.dumps(post_side_by_side(given.processes, given.seconds)))
    else:
        print(json.dumps(check()))


if __name__ == "__main__":
    main()
