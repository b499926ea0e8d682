"""What pawaPay publishes, as tables: its providers by country, and the sandbox's numbers with what becomes of them.

From docs.pawapay.io (v2): providers, test_numbers, active-conf. Second hand: limits (one real configuration), the codes
to dial, and the failing numbers of ORANGE_BFA, ORANGE_CIV and ORANGE_CMR (published code of clients).
"""

from dataclasses import dataclass

PROVIDER_AUTH, PREAUTH, REDIRECT_AUTH = "PROVIDER_AUTH", "PREAUTH", "REDIRECT_AUTH"
NONE, TWO_PLACES = "NONE", "TWO_PLACES"


@dataclass(frozen=True)
class PawapayCountry:
    """`prefix` is the calling code, `digits` how many follow it."""

    prefix: str
    digits: int
    en: str
    fr: str


COUNTRIES = {
    "BEN": PawapayCountry("229", 10, "Benin", "Bénin"),
    "BFA": PawapayCountry("226", 8, "Burkina Faso", "Burkina Faso"),
    "CIV": PawapayCountry("225", 10, "Ivory Coast", "Côte d'Ivoire"),
    "SEN": PawapayCountry("221", 9, "Senegal", "Sénégal"),
    "CMR": PawapayCountry("237", 9, "Cameroon", "Cameroun"),
    "COD": PawapayCountry("243", 9, "Democratic Republic of the Congo", "République démocratique du Congo"),
    "COG": PawapayCountry("242", 9, "Republic of the Congo", "République du Congo"),
    "GAB": PawapayCountry("241", 8, "Gabon", "Gabon"),
    "RWA": PawapayCountry("250", 9, "Rwanda", "Rwanda"),
}


@dataclass(frozen=True)
class Mmo:
    """A provider of mobile money. `currencies` with the decimals of an amount; `begins`: how its phones begin."""

    name: str
    country: str
    currencies: dict[str, str]
    begins: str
    auth: str = PROVIDER_AUTH
    least: str = "100"
    most: str = "2000000"
    dial: str = ""


XOF, XAF, RWF = {"XOF": NONE}, {"XAF": NONE}, {"RWF": NONE}
CONGO = {"CDF": TWO_PLACES, "USD": TWO_PLACES}
BENIN_MTN = "0142 0146 015 0161 0162 0166 0167 0169 0190 0191 0196 0197"
OTP_CODE = "*144*4*6#"

PROVIDERS = {
    "MTN_MOMO_BEN": Mmo("MTN", "BEN", XOF, BENIN_MTN, least="1", dial="*840#"),
    "MOOV_BEN": Mmo("Moov", "BEN", XOF, "0145 0155 0158 0160 0163 0164 0165 0168 0194 0195 0198 0199"),
    "MOOV_BFA": Mmo("Moov", "BFA", XOF, "01 02 03 50 51 52 53 60 61 62 63 70 71 72 73", dial="*555*6#"),
    "ORANGE_BFA": Mmo("Orange", "BFA", XOF, "04 05 06 07 54 55 56 57 64 65 66 67 74 75 76 77", PREAUTH, dial=OTP_CODE),
    "MTN_MOMO_CIV": Mmo("MTN", "CIV", XOF, "05", dial="*133#"),
    "ORANGE_CIV": Mmo("Orange", "CIV", XOF, "07", dial="#120#"),
    "WAVE_CIV": Mmo("Wave", "CIV", XOF, "", REDIRECT_AUTH),
    "ORANGE_SEN": Mmo("Orange", "SEN", XOF, "71 77 78"),
    "FREE_SEN": Mmo("Free", "SEN", XOF, "76", dial="#150#"),
    "WAVE_SEN": Mmo("Wave", "SEN", XOF, "", REDIRECT_AUTH),
    "MTN_MOMO_CMR": Mmo("MTN", "CMR", XAF, "650 651 652 653 654 67 680 681 682 683"),
    "ORANGE_CMR": Mmo("Orange", "CMR", XAF, "64 655 656 657 658 659 686 687 688 689 69"),
    "VODACOM_MPESA_COD": Mmo("Vodacom", "COD", {"CDF": NONE, "USD": TWO_PLACES}, "81 82 83 86", most="5000000"),
    "AIRTEL_COD": Mmo("Airtel", "COD", CONGO, "96 97 98 99", most="5000000"),
    "ORANGE_COD": Mmo("Orange", "COD", CONGO, "80 84 85 89", most="5000000"),
    "AIRTEL_COG": Mmo("Airtel", "COG", XAF, "05"),
    "MTN_MOMO_COG": Mmo("MTN", "COG", XAF, "06"),
    "AIRTEL_GAB": Mmo("Airtel", "GAB", {"XAF": TWO_PLACES}, "04 07 4 7"),
    "MTN_MOMO_RWA": Mmo("MTN", "RWA", RWF, "78 79"),
    "AIRTEL_RWA": Mmo("Airtel", "RWA", RWF, "72 73"),
}  # fmt: skip
LEAST_USD = "1"

# Each number of the sandbox: how it begins, and how it may end. The ends of deposits and of payouts differ.
DEPOSIT_NUMBERS = {
    "22951345": "029 039 069 129 789",
    "22995345": "789",
    "22602345": "048 068 138 678",
    "22607345": "148 128 678",
    "2250503456": "029 039 069 129 789",
    "2250734567": "130 890",
    "221773456": "029 049 069 129 789",
    "221763456": "049 069 129 789",
    "237653456": "019 029 039 069 129 789",
    "237693456": "069 129 789",
    "243813456": "019 029 039 049 069 129 789",
    "243973456": "069 129 789",
    "243893456": "029 039 049 069 129 789",
    "242053456": "039 049 069 129 789",
    "242063456": "029 039 049 069 129 789",
    "24174345": "048 068 128 678",
    "250733456": "039 049 069 129 789",
    "250783456": "019 129 789",
}
PAYOUT_NUMBERS = {
    "22951345": "089 119 129 789",
    "22995345": "789",
    "22602345": "118 138 678",
    "22607345": "678",
    "2250503456": "089 119 129 789",
    "2250734567": "890",
    "221773456": "789",
    "221763456": "119 129 789",
    "237653456": "089 119 129 789",
    "237693456": "789",
    "243813456": "089 119 129 789",
    "243973456": "089 119 129 789",
    "243893456": "789",
    "242053456": "089 119 129 789",
    "242063456": "089 119 129 789",
    "24174345": "088 118 128 678",
    "250733456": "089 119 129 789",
    "250783456": "789",
}
COMPLETED, STUCK = "COMPLETED", "SUBMITTED"
DEPOSIT_ENDS = {
    "019": "PAYER_LIMIT_REACHED",
    "029": "PAYER_NOT_FOUND",
    "039": "PAYMENT_NOT_APPROVED",
    "048": "INSUFFICIENT_BALANCE",
    "049": "INSUFFICIENT_BALANCE",
    "068": "UNSPECIFIED_FAILURE",
    "069": "UNSPECIFIED_FAILURE",
    "128": STUCK,
    "129": STUCK,
    "130": STUCK,
    "138": STUCK,
    "148": "PAYMENT_NOT_APPROVED",
    "678": COMPLETED,
    "789": COMPLETED,
    "890": COMPLETED,
}
PAYOUT_ENDS = {
    "088": "RECIPIENT_NOT_FOUND",
    "089": "RECIPIENT_NOT_FOUND",
    "118": "UNSPECIFIED_FAILURE",
    "119": "UNSPECIFIED_FAILURE",
    "128": STUCK,
    "129": STUCK,
    "138": STUCK,
    "678": COMPLETED,
    "789": COMPLETED,
    "890": COMPLETED,
}


def sandbox_end(digits: str, is_payout: bool) -> str | None:
    """COMPLETED, SUBMITTED or a failure code for a number of the sandbox, without or with 01 of Benin; else None."""
    old = f"229{digits[5:]}" if digits.startswith("22901") and len(digits) == 13 else digits
    numbers, ends = (PAYOUT_NUMBERS, PAYOUT_ENDS) if is_payout else (DEPOSIT_NUMBERS, DEPOSIT_ENDS)
    return ends[old[-3:]] if old[-3:] in numbers.get(old[:-3], "").split() else None


def predicted(digits: str) -> tuple[str, str] | None:
    """Country and provider that a phone most likely has; None if none fits."""
    for code, country in COUNTRIES.items():
        national = digits.removeprefix(country.prefix)
        if code == "BEN" and len(national) == 8:
            national = f"01{national}"
        if not digits.startswith(country.prefix) or len(national) != country.digits:
            continue
        fits = [
            (len(begin), name)
            for name, mmo in PROVIDERS.items()
            if mmo.country == code
            for begin in mmo.begins.split()
            if national.startswith(begin)
        ]
        if fits:
            return code, max(fits)[1]
    return None
