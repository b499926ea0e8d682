"""pawaPay's toolkit (configuration, availability, predicted provider, wallets, keys), and what its dashboard sets."""

import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, signing, trouble
from simulator.deps import Simulator, fields, json_object, simulator_of
from simulator.money import AT_ONCE
from simulator.pawapay_facts import (
    COUNTRIES,
    OTP_CODE,
    PREAUTH,
    PROVIDER_AUTH,
    PROVIDERS,
    STUCK,
    Mmo,
    predicted,
    sandbox_end,
)
from simulator.pawapay_orders import (
    CLOSED,
    DELAYED,
    NAME,
    OPERATIONAL,
    OPERATIONS,
    PawapayRefusalError,
    account_in,
    availability_of,
    least_of,
    padded,
    release,
    signatures_of,
)
from simulator.trouble import MoneyExchange

BASE = "/simulator/pawapay"
KEY_ID = "HTTP_EC_P256_KEY:1"

# ---- the toolkit ----


async def active_conf(request: Request) -> Response:
    """GET [country][&operationType]: providers, limits, decimals, how payers agree, what they dial."""
    sim = simulator_of(request)
    try:
        account = account_in(request)
    except PawapayRefusalError as refused:
        return refused.answer()
    kept = signatures_of(sim, account)
    only, kind = request.query_params.get("country"), request.query_params.get("operationType")
    countries = [
        {
            "country": code,
            "displayName": {"en": country.en, "fr": country.fr},
            "prefix": country.prefix,
            "providers": [
                _configured(sim, name, kind) for name, mmo in PROVIDERS.items() if mmo.country == code
            ],
        }
        for code, country in COUNTRIES.items()
        if only in (None, code)
    ]
    signs = {
        "signedRequestsOnly": bool(kept and kept["public_key"]),
        "signedCallbacks": bool(kept and kept["notices"]),
    }
    return JSONResponse({"companyName": "Keneya", "signatureConfiguration": signs, "countries": countries})


def _configured(sim: Simulator, name: str, kind: str | None) -> dict[str, Any]:
    mmo = PROVIDERS[name]
    currencies = []
    for currency, decimals in mmo.currencies.items():
        facts = {
            "minAmount": least_of(mmo, currency),
            "maxAmount": mmo.most,
            "decimalsInAmount": decimals,
            "status": availability_of(sim, name),
        }
        kinds = {"DEPOSIT": facts | _authorised(mmo), "PAYOUT": facts, "REFUND": facts}
        operations = {one: told for one, told in kinds.items() if kind in (None, one)}
        currencies.append({"currency": currency, "displayName": currency, "operationTypes": operations})
    return {
        "provider": name,
        "displayName": mmo.name,
        "nameDisplayedToCustomer": "PAWAPAY",
        "currencies": currencies,
    }


def _authorised(mmo: Mmo) -> dict[str, Any]:
    if mmo.auth == PREAUTH:
        return {"authType": PREAUTH, "authTokenInstructions": _dialled(OTP_CODE)}
    if mmo.auth != PROVIDER_AUTH:
        return {"authType": mmo.auth}
    told: dict[str, Any] = {
        "authType": PROVIDER_AUTH,
        "pinPrompt": "AUTOMATIC",
        "pinPromptRevivable": bool(mmo.dial),
    }
    return told | ({"pinPromptInstructions": _dialled(mmo.dial)} if mmo.dial else {})


def _dialled(code: str) -> dict[str, Any]:
    said = {"en": ("Dial", "Enter PIN"), "fr": ("Composez", "Entrez le code PIN")}
    steps = {
        language: [
            {"text": f"{dial} {code}", "template": f"{dial} {{{{shortCode}}}}"},
            {"text": pin, "template": pin},
        ]
        for language, (dial, pin) in said.items()
    }
    return {"channels": [{"type": "USSD", "variables": {"shortCode": code}, "instructions": steps}]}


async def availability(request: Request) -> Response:
    """GET [country][&operationType]: what is OPERATIONAL, DELAYED or CLOSED."""
    sim, asked = simulator_of(request), request.query_params
    kinds = [one.kind for one in OPERATIONS.values() if asked.get("operationType") in (None, one.kind)]
    return JSONResponse(
        [
            {
                "country": code,
                "providers": [
                    {
                        "provider": name,
                        "operationTypes": [
                            {"operationType": kind, "status": availability_of(sim, name)} for kind in kinds
                        ],
                    }
                    for name, mmo in PROVIDERS.items()
                    if mmo.country == code
                ],
            }
            for code in COUNTRIES
            if asked.get("country") in (None, code)
        ]
    )


async def predict_provider(request: Request) -> Response:
    """POST phoneNumber, written anyhow: country, provider and the number without its decoration."""
    try:
        account_in(request)
        told = await json_object(request)
        digits = re.sub(r"\D", "", str(told["phoneNumber"])).lstrip("0")
    except PawapayRefusalError as refused:
        return refused.answer()
    except KeyError:
        return PawapayRefusalError("INVALID_INPUT", http=400).answer()
    for code in COUNTRIES.values():  # the nought of a number at home, after the country's code
        if digits.startswith(f"{code.prefix}0") and len(digits) > len(code.prefix) + code.digits:
            digits = code.prefix + digits.removeprefix(code.prefix).lstrip("0")
    found = predicted(digits)
    if found is None:
        return PawapayRefusalError("INVALID_PHONE_NUMBER", http=400).answer()
    return JSONResponse({"country": found[0], "provider": found[1], "phoneNumber": digits})


async def wallet_balances(request: Request) -> Response:
    """GET [country]: what each wallet has."""
    sim, only = simulator_of(request), request.query_params.get("country")
    try:
        account = account_in(request)
    except PawapayRefusalError as refused:
        return refused.answer()
    wallets = sorted({(mmo.country, currency) for mmo in PROVIDERS.values() for currency in mmo.currencies})
    struck = trouble.strike(sim, NAME, trouble.BALANCE, None)
    return await trouble.answered(
        sim,
        struck,
        MoneyExchange(work=lambda: JSONResponse({"balances": _balances(sim, account, wallets, only)})),
    )


def _balances(
    sim: Simulator, account: str, wallets: list[tuple[str, str]], only: str | None
) -> list[dict[str, str]]:
    return [
        {
            "country": country,
            "balance": padded(journal.decimal(max(0, money.balance_milli(sim, NAME, account, currency))), 2),
            "currency": currency,
            "provider": "",
        }
        for country, currency in wallets
        if only in (None, country)
    ]


async def public_keys(request: Request) -> JSONResponse:
    """GET the key that signs notices."""
    pem = signing.public_pem(signing.key_of(simulator_of(request).config.data))
    return JSONResponse([{"id": KEY_ID, "key": pem}])


# ---- what the dashboard sets ----


async def set_signatures(request: Request) -> JSONResponse:
    """POST account (its token)[, key_id, public_key][, notices=der|raw]: what must be signed, either way."""
    sim, form = simulator_of(request), await fields(request)
    pem, notices = form.get("public_key", ""), form.get("notices", "")
    if pem and signing.public_key(pem) is None:
        raise HTTPException(400, "public_key is a key on P-256 in PEM")
    if notices not in ("", signing.DER, signing.RAW):
        raise HTTPException(400, "notices is der, raw or nothing")
    sim.db.execute(
        "INSERT OR REPLACE INTO pawapay_account (account, key_id, public_key, notices) VALUES (?, ?, ?, ?)",
        (money.account_of(form.get("account", "")), form.get("key_id", ""), pem, notices),
    )
    return JSONResponse({"signedRequestsOnly": bool(pem), "signedCallbacks": bool(notices)})


async def set_availability(request: Request) -> JSONResponse:
    """POST provider, status=OPERATIONAL|DELAYED|CLOSED; what waited for it goes on."""
    sim, form = simulator_of(request), await fields(request)
    provider, status = form.get("provider", ""), form.get("status", "")
    if provider not in PROVIDERS or status not in (OPERATIONAL, DELAYED, CLOSED):
        raise HTTPException(400, "a provider, and OPERATIONAL, DELAYED or CLOSED")
    sim.db.execute(
        "INSERT OR REPLACE INTO pawapay_provider (provider, status) VALUES (?, ?)", (provider, status)
    )
    waiting = sim.db.execute(
        "SELECT * FROM money WHERE provider = ? AND direction = 'out' AND answer = 'sandbox' AND final_state IS NULL",
        (NAME,),
    ).fetchall()
    for row in waiting if status == OPERATIONAL else ():
        stuck = sandbox_end(row["phone"].removeprefix("+"), True) == STUCK
        if money.more_of(row)["provider"] == provider and not stuck:
            release(sim, row, AT_ONCE)
    return JSONResponse({"provider": provider, "status": status})


ROUTES = [
    Route(f"{BASE}/signatures", set_signatures, methods=["POST"]),
    Route(f"{BASE}/availability", set_availability, methods=["POST"]),
    Route(f"{BASE}/v2/active-conf", active_conf, methods=["GET"]),
    Route(f"{BASE}/v2/availability", availability, methods=["GET"]),
    Route(f"{BASE}/v2/predict-provider", predict_provider, methods=["POST"]),
    Route(f"{BASE}/v2/wallet-balances", wallet_balances, methods=["GET"]),
    Route(f"{BASE}/v2/public-key/http", public_keys, methods=["GET"]),
]
