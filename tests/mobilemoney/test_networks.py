"""Networks of phones, by their prefixes."""

import pytest
from phonenumbers import PhoneMetadata

from mobilemoney.networks import DialCode, network_by_prefix, networks, networks_of


@pytest.mark.parametrize(
    ("phone", "network"),
    [
        ("+22370000001", "ML-orange"),
        ("+22366000001", "ML-moov"),
        ("+22890000001", "TG-togocel"),
        ("+22896000001", "TG-moov"),
        ("+2290161000001", "BJ-mtn"),
        ("+2250700000001", "CI-orange"),
        ("+237650000001", "CM-mtn"),
        ("+237655000001", "CM-orange"),
        ("+243810000001", "CD-vodacom"),
        ("+22320000001", "ML-orange"),  # the longest prefix wins: 200, not 2
        ("+22321700001", "ML-moov"),
        ("+33612345678", ""),  # a country without networks here
        ("+22300000000", ""),  # no prefix fits
        ("no phone", ""),
    ],
)
def test_the_longest_prefix_says_the_network(phone: str, network: str) -> None:
    assert network_by_prefix(phone) == network


def test_every_network_is_of_a_country_and_no_prefix_is_of_two() -> None:
    seen: dict[tuple[str, str], str] = {}
    for network in networks().values():
        assert PhoneMetadata.metadata_for_region(network.country, None) is not None
        assert network.prefixes
        for prefix in network.prefixes:
            assert seen.setdefault((network.country, prefix), network.code) == network.code
    assert [one.code for one in networks_of("ML")] == ["ML-moov", "ML-orange", "ML-telecel"]


# Typed from the pages themselves: what is shown to a member stands on one of them.
ON_A_PAGE = {
    "BJ-mtn": DialCode("*840#", "pawaPay, pinPromptInstructions", "8"),
    "CI-mtn": DialCode("*133#", "LigdiCash, validation modes"),
    "BF-moov": DialCode("*555*6#", "PayDunya, SoftPay"),
    "SN-free": DialCode("#150#", "PayDunya, SoftPay"),
    "CI-orange": DialCode("#144*82#", "PayDunya, SoftPay", "2"),
}


def test_only_what_a_providers_own_page_says_is_dialled() -> None:
    prompts = {code: network.find_prompt for code, network in networks().items() if network.find_prompt}
    codes = {code: network.get_code for code, network in networks().items() if network.get_code}
    assert prompts | codes == ON_A_PAGE
    assert set(codes) == {"CI-orange"}, "second hand, Burkina Faso has one too"
