"""What an address of sentinels says."""

import pytest

import settings
from service.redis_server import sentinels_of
from tests.test_settings import LIVE, faults

HERE = "redis+sentinel://:p%40ss@127.0.0.1:26379,localhost/keneya"


def test_an_address_names_sentinels_password_and_master() -> None:
    read = sentinels_of(HERE)
    assert read.hosts == (("127.0.0.1", 26379), ("localhost", 26379))
    assert (read.name, read.password, read.sentinel_password, read.is_tls) == ("keneya", "p@ss", None, False)
    other = sentinels_of("rediss+sentinel://:x@a,b:1,c/m?sentinel_password=y")
    assert (len(other.hosts), other.sentinel_password, other.is_tls) == (3, "y", True)
    assert settings.read(LIVE | {"REDIS_URL": HERE}).redis_url == HERE


@pytest.mark.parametrize("url", ["redis+sentinel://a:1,b:2", "redis+sentinel://a:x/m", "redis+sentinel:///m"])
def test_a_wrong_address_is_named(url: str) -> None:
    (fault,) = faults(REDIS_URL=url)
    assert fault.startswith("REDIS_URL: must be redis+sentinel://")


def test_sentinels_of_another_machine_need_tls() -> None:
    assert faults(REDIS_URL="redis+sentinel://:x@10.0.0.1,10.0.0.2/m")[0].startswith(
        "REDIS_URL: needs rediss+sentinel"
    )
    assert faults(REDIS_URL="rediss+sentinel://:x@10.0.0.1,10.0.0.2/m") == []
