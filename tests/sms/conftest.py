"""The gateway that the SDK speaks to in these tests."""

from collections.abc import Iterator

import pytest

from tests.support.sms_gateway import Gateway, listening


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with listening() as known:
        yield known
