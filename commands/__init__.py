"""The commands of `keneya`, one module a group; `add(commands)` of every module adds its commands.

The help shows them in the order below, others behind: first what starts and upholds the service, then whose it is,
then its members, then its books.

A command is a coroutine from the typed arguments to its exit code; its fault is one line (`CommandError`).
"""

HELP_ORDER = (
    "setup",
    "upkeep",
    "imports",
    "routes",
    "people",
    "support",
    "cover",
    "cash",
    "book",
    "report",
    "period",
    "year",
    "seal",
)
