"""Who did something, why and when: what every record of a change keeps."""

from datetime import datetime

from values import value


@value
class By:
    """Who acts (`actor`: a phone in E.164, a role, or a name from the command line), why, and when (aware UTC)."""

    actor: str
    reason: str
    at: datetime
