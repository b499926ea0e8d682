"""PayDunya: invoices, their payment by SoftPay, payouts by disburse v2, as its documentation has them.

Any key is right but an empty one and `wrong`. An account is known by its master key. Côte d'Ivoire's Moov is answered
when its payer has answered, or after 30 seconds. With a code of the payer (Orange of Burkina and Côte d'Ivoire) the
money moves at once; the code 0000 is wrong. A payout to a phone that ends in 0000 fails. Unverified, and played so: a
second call to SoftPay with one token, response codes other than 00, the sentences of refusals but one.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from secrets import choice
from string import ascii_letters, digits
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import journal, money, trouble
from simulator.deps import Simulator, json_object, simulator_of
from simulator.money import IN, OUT, Beginning, End, MoneyFacts, MoneyOrder, MoneyProvider
from simulator.outgoing import FORM, OutgoingNotice
from simulator.store import Row
from simulator.trouble import MoneyExchange

NAME = "paydunya"
WRONG = "wrong"
WRONG_CODE = "0000"
MOOV_CI_S = 30.0
FEE_PERCENT = 2
UNKNOWN_PHONE = "Ce numéro n'a pas de compte."  # in words of ours
EXPIRED = "Vous avez dépassé le délai de validation de la transaction."
REFUSED = "Le paiement a été refusé."  # in words of ours
WAITS = "Votre paiement est en cours de traitement. Merci de valider le paiement après reception de sms."


@dataclass(frozen=True)
class Wallet:
    """How SoftPay asks one network. `needs` are its fields beside phone and token; `said` what it answers."""

    country_code: str
    phone: str
    needs: tuple[str, ...]
    said: str
    token: str = "payment_token"  # noqa: S105
    code: str = ""
    fixed: tuple[str, str] = ("", "")
    currency: str = "XOF"


def _named(prefix: str, *more: str) -> tuple[str, ...]:
    return f"{prefix}_customer_fullname", f"{prefix}_email", *(f"{prefix}_{one}" for one in more)


WALLETS = {
    "orange-money-mali": Wallet(
        "223",
        "orange_money_mali_phone_number",
        _named("orange_money_mali", "customer_address"),
        "Paiement enregistré, en attente de confirmation du client",
    ),
    "moov-mali": Wallet(
        "223",
        "moov_ml_phone_number",
        _named("moov_ml", "customer_address"),
        "Merci de finaliser le paiement sur votre téléphone.",
    ),
    "t-money-togo": Wallet("228", "phone_t_money", ("name_t_money", "email_t_money"), WAITS),
    "moov-togo": Wallet(
        "228",
        "moov_togo_phone_number",
        _named("moov_togo", "customer_address"),
        "Transaction effectuée avec succès",  # so it says, before anybody has paid
    ),
    "free-money-senegal": Wallet(
        "221",
        "phone_number",
        ("customer_name", "customer_email"),
        "Opération réussie, Veuillez tapez #150# pour finaliser votre paiement.",
    ),
    "expresso-senegal": Wallet(
        "221", "expresso_sn_phone", ("expresso_sn_fullName", "expresso_sn_email"), WAITS
    ),
    "orange-money-ci": Wallet(
        "225",
        "orange_money_ci_phone_number",
        _named("orange_money_ci"),
        "Paiement effectué avec succès.",
        code="orange_money_ci_otp",
    ),
    "mtn-ci": Wallet(
        "225",
        "mtn_ci_phone_number",
        _named("mtn_ci"),
        "success message",
        fixed=("mtn_ci_wallet_provider", "MTNCI"),
    ),
    "moov-ci": Wallet(
        "225", "moov_ci_phone_number", _named("moov_ci"), "Votre transaction a été validée avec succès."
    ),
    "orange-money-burkina": Wallet(
        "226", "phone_bf", ("name_bf", "email_bf"), "success message", code="otp_code"
    ),
    "moov-burkina": Wallet(
        "226",
        "moov_burkina_faso_phone_number",
        ("moov_burkina_faso_fullName", "moov_burkina_faso_email"),
        "Veuillez compléter le paiement en composant le *555*6#.",
        token="moov_burkina_faso_payment_token",  # noqa: S106
    ),
    "moov-benin": Wallet("229", "moov_benin_phone_number", _named("moov_benin"), "Success message"),
    "mtn-benin": Wallet(
        "229",
        "mtn_benin_phone_number",
        _named("mtn_benin"),
        WAITS,
        fixed=("mtn_benin_wallet_provider", "MTNBENIN"),
    ),
    "mtn-cameroun": Wallet(
        "237",
        "mtn_cameroun_phone_number",
        _named("mtn_cameroun"),
        WAITS,
        fixed=("mtn_cameroun_wallet_provider", "MTNCAMEROUN"),
        currency="XAF",
    ),
}

WITHDRAW_MODES = {
    "orange-money-senegal": "221",
    "free-money-senegal": "221",
    "expresso-senegal": "221",
    "mtn-benin": "229",
    "moov-benin": "229",
    "celtiis-cash": "229",
    "mtn-ci": "225",
    "orange-money-ci": "225",
    "moov-ci": "225",
    "t-money-togo": "228",
    "moov-togo": "228",
    "orange-money-mali": "223",
    "orange-money-burkina": "226",
    "moov-burkina-faso": "226",
}


# ---- invoices ----


async def create(request: Request) -> Response:
    """POST an invoice: its token, under which nobody is asked yet. The same again is another invoice."""
    sim, asked = simulator_of(request), await json_object(request)
    if fault := _wrong_keys(request):
        return _refusal("1001", fault)
    if fault := _fault_of_invoice(asked):
        return _refusal("1001", fault)
    struck = trouble.strike(sim, NAME, trouble.PREPARE, None)
    token = _token("test_" if request.url.path.startswith("/simulator/paydunya/sandbox-api") else "")
    exchange = MoneyExchange(
        work=lambda: _keep_invoice(request, asked, token),
        lost=lambda: _invoice_created(request, token),
        refused=lambda: _refusal("1001", "This channel is not enabled for you"),
    )
    return await trouble.answered(sim, struck, exchange)


def _fault_of_invoice(asked: dict[str, Any]) -> str:
    if _whole(_inside(asked, "invoice", "total_amount")) is None:
        return "Invalid total_amount"
    return "" if _inside(asked, "store", "name") else "Invalid store name"


def _keep_invoice(request: Request, asked: dict[str, Any], token: str) -> Response:
    own, amount = asked.get("custom_data"), _whole(asked["invoice"]["total_amount"]) or 0
    own = own if isinstance(own, dict) else {}
    actions = asked.get("actions") if isinstance(asked.get("actions"), dict) else {}
    key = request.headers["paydunya-master-key"]
    order = MoneyOrder(
        NAME,
        IN,
        key=token,
        reference=str(own.get("reference") or token),
        amount=str(amount),
        currency="XOF",
        token=token,
        receipt=f"PD{token[-10:].upper()}",
        note=str(asked["invoice"].get("description") or ""),
        notice_url=str((actions or {}).get("callback_url") or ""),
        account=money.account_of(key),
        fee=str(amount * FEE_PERCENT // 100),
        more={
            "hash": hashlib.sha512(key.encode()).hexdigest(),
            "custom_data": json.dumps(own),
            "actions": json.dumps(actions),
        },
    )
    money.prepare(simulator_of(request), order)
    return _invoice_created(request, token)


def _invoice_created(request: Request, token: str) -> Response:
    return JSONResponse(
        {
            "response_code": "00",
            "response_text": f"{request.url.replace(path='')}/checkout/invoice/{token}",
            "description": "Checkout Invoice Created",
            "token": token,
        }
    )


async def softpay(request: Request) -> Response:
    """POST the fields of a network: its payer is asked to pay the invoice."""
    sim, asked, path = simulator_of(request), await json_object(request), request.path_params["path"]
    wallet = WALLETS.get(path)
    if wallet is None:
        return Response("<!DOCTYPE html><title>Not Found</title>", 404, media_type="text/html")
    if fault := _wrong_keys(request) or _fault_of_payer(wallet, asked):
        return _declined(fault)
    phone = f"+{wallet.country_code}{asked[wallet.phone]}"
    row = money.by_token(sim, NAME, str(asked[wallet.token]))
    if row is None or row["direction"] != IN:
        return _declined("Token de paiement invalide.")
    struck = trouble.strike(sim, NAME, trouble.REQUEST, phone, row["reference"])
    exchange = MoneyExchange(
        work=lambda: _ask_payer(sim, wallet, row, asked, struck),
        lost=lambda: _agreed(wallet),
        refused=lambda: _declined(UNKNOWN_PHONE),
    )
    answer = await trouble.answered(sim, struck, exchange)
    return await _once_answered(sim, row["key"], answer) if path == "moov-ci" and not struck else answer


def _fault_of_payer(wallet: Wallet, asked: dict[str, Any]) -> str:
    name, value = wallet.fixed
    needed = [*wallet.needs, wallet.phone, wallet.token, *filter(None, [wallet.code])]
    if lacking := [one for one in needed if not isinstance(asked.get(one), str) or not asked[one].strip()]:
        return f"Le champ {lacking[0]} est obligatoire."
    if name and asked.get(name) != value:
        return f"Le champ {name} est obligatoire."
    return "" if re.fullmatch(r"[0-9]{8,10}", asked[wallet.phone]) else UNKNOWN_PHONE


def _ask_payer(
    sim: Simulator, wallet: Wallet, row: Row, asked: dict[str, Any], struck: Row | None
) -> Response:
    if wallet.code and asked[wallet.code] == WRONG_CODE:
        return _declined("Code de paiement invalide.")
    sim.db.execute("UPDATE money SET currency = ? WHERE id = ?", (wallet.currency, row["id"]))
    begins = Beginning(
        end=money.AT_ONCE if wallet.code else None,
        window_s=MOOV_CI_S if wallet is WALLETS["moov-ci"] else money.WINDOW_S,
        phone=f"+{wallet.country_code}{asked[wallet.phone]}",
    )
    begun = money.begin(sim, row, struck, begins)
    return _agreed(wallet) if begun else _declined("Cette facture est déjà en cours de paiement.")


async def _once_answered(sim: Simulator, token: str, answer: Response) -> Response:
    """What Moov Côte d'Ivoire says once its payer has answered, or did not in time."""
    if not json.loads(bytes(answer.body))["success"]:
        return answer
    while True:
        row = money.find(sim, NAME, IN, token)
        facts = row and money.facts_of(row)
        if facts and facts.state != money.PENDING:
            break
        await asyncio.sleep(sim.scaled(1))
    if facts.state == money.PAID:
        return answer
    return _declined(EXPIRED if facts.reason == "EXPIRED" else REFUSED)


def _agreed(wallet: Wallet) -> Response:
    return JSONResponse({"success": True, "message": wallet.said})


def _declined(message: str) -> Response:
    return JSONResponse({"success": False, "message": message})


async def make_payment(request: Request) -> Response:
    """POST to the sandbox: a test account pays a test invoice."""
    sim, asked = simulator_of(request), await json_object(request)
    row = money.by_token(sim, NAME, str(asked.get("invoice_token") or ""))
    known = all(asked.get(name) for name in ("phone_phone", "customer_email", "password"))
    is_test = row is not None and row["key"].startswith("test_")
    if row is None or not is_test or not known or asked["password"] == WRONG:
        return _declined("Token de paiement ou compte de test invalide.")
    if not money.begin(sim, row, None, Beginning(end=money.AT_ONCE)):
        return _declined("La facture est déjà payée.")
    return JSONResponse({"success": True, "message": "Paiement effectué avec succès."})


async def confirm(request: Request) -> Response:
    """GET how an invoice stands. PayDunya's own client posts, where it has made the invoice itself."""
    sim, token = simulator_of(request), request.path_params["token"]
    if fault := _wrong_keys(request):
        return _refusal("1001", fault)
    row = money.find(sim, NAME, IN, token)
    struck = trouble.strike(sim, NAME, trouble.STATUS, row["phone"] if row else None, token)
    exchange = MoneyExchange(
        work=lambda: JSONResponse(_transaction(row, money.facts_of(row, struck))) if row else _not_found(),
        not_found=_not_found,
    )
    return await trouble.answered(sim, struck, exchange)


def _not_found() -> Response:
    return _refusal("1001", "Invoice Not Found")


def _transaction(row: Row, facts: MoneyFacts) -> dict[str, Any]:
    """An invoice as the confirmation and the notice tell it."""
    more, token = money.more_of(row), row["token"]
    amount = {} if facts.amount is None else {"total_amount": int(Decimal(facts.amount))}
    return {
        "response_code": "00",
        "response_text": "Transaction Found",
        "hash": more["hash"],
        "invoice": {"token": token, "items": {}, "taxes": {}, **amount, "description": row["note"]},
        "custom_data": json.loads(more["custom_data"]),
        "actions": json.loads(more["actions"]),
        "mode": "test" if token.startswith("test_") else "live",
        "status": _word(facts),
        "customer": {"name": "", "phone": facts.phone[4:], "email": ""},
        "receipt_url": f"https://paydunya.com/checkout/receipt/pdf/{token}.pdf",
    }


def _word(facts: MoneyFacts) -> str:
    match facts.state:
        case money.PAID:
            return "completed"
        case money.FAILED:
            return {"APPROVAL_REJECTED": "cancelled", "EXPIRED": "expired"}.get(facts.reason or "", "failed")
        case _:
            return facts.state.lower()


# ---- payouts ----


async def get_invoice(request: Request) -> Response:
    """POST a payout: its token, under which nothing moves yet. Its callback_url is tried first."""
    sim, asked = simulator_of(request), await json_object(request)
    if fault := _wrong_keys(request):
        return _refusal("1001", fault)
    amount, mode = _whole(asked.get("amount")), asked.get("withdraw_mode")
    if mode not in WITHDRAW_MODES:
        return _refusal("1001", "withdraw_mode non pris en charge")
    alias = asked.get("account_alias")
    if amount is None or not isinstance(alias, str) or not re.fullmatch(r"[0-9]{8,10}", alias):
        return _refusal("1001", "account_alias ou amount invalide")
    phone = f"+{WITHDRAW_MODES[mode]}{alias}"
    token = _token("")
    struck = trouble.strike(sim, NAME, trouble.PAYOUT_PREPARE, phone)
    if not await _is_reachable(sim, asked.get("callback_url")):
        return _refusal("4002", "the callback is not accessible")
    key = request.headers["paydunya-master-key"]
    order = MoneyOrder(
        NAME,
        OUT,
        key=token,
        reference=token,
        amount=str(amount),
        currency="XOF",
        phone=phone,
        token=token,
        receipt=f"TFA-TX-{_token('')}",
        notice_url=str(asked["callback_url"]),
        account=money.account_of(key),
        more={"hash": hashlib.sha512(key.encode()).hexdigest(), "withdraw_mode": mode},
    )

    def keep() -> Response:
        money.prepare(sim, order)
        return JSONResponse({"response_code": "00", "disburse_token": token})

    exchange = MoneyExchange(
        work=keep,
        lost=lambda: JSONResponse({"response_code": "00", "disburse_token": token}),
        refused=lambda: _refusal("1001", "withdraw_mode non pris en charge"),
    )
    return await trouble.answered(sim, struck, exchange)


async def _is_reachable(sim: Simulator, url: object) -> bool:
    """Whether the address answers an empty notice with 2xx; only this machine's are tried."""
    if not isinstance(url, str) or not money.is_loopback(url):
        return False
    try:
        return (await sim.http.post(url)).is_success
    except httpx.HTTPError:
        return False


async def submit_invoice(request: Request) -> Response:
    """POST disburse_invoice and disburse_id, which may name one payout only: the money is on its way."""
    sim, asked = simulator_of(request), await json_object(request)
    if fault := _wrong_keys(request):
        return _refusal("1001", fault)
    row = money.find(sim, NAME, OUT, str(asked.get("disburse_invoice") or "").strip())
    if row is None:
        return _refusal("1001", "Invoice Not Found")
    own = str(asked.get("disburse_id") or row["key"])
    struck = trouble.strike(sim, NAME, trouble.PAYOUT, row["phone"], own)
    exchange = MoneyExchange(
        work=lambda: _send(sim, row, own, struck),
        lost=lambda: _submitted(row),
        refused=lambda: _refusal("4002", "You don't have enough funds. Consider crediting your account"),
    )
    return await trouble.answered(sim, struck, exchange)


def _send(sim: Simulator, row: Row, own: str, struck: Row | None) -> Response:
    used = sim.db.execute(
        "SELECT 1 FROM money WHERE provider = ? AND direction = ? AND reference = ? AND begun_at IS NOT NULL",
        (NAME, OUT, own),
    ).fetchone()
    if used or row["begun_at"] is not None:
        return _refusal("5000", "disburse_id already used")
    left = money.balance_milli(sim, NAME, row["account"], row["currency"])
    if left < row["moved_milli"] + row["fee_milli"]:
        return _refusal("4002", "You don't have enough funds. Consider crediting your account")
    sim.db.execute("UPDATE money SET reference = ? WHERE id = ?", (own, row["id"]))
    fails = End(money.PAYOUT_S, money.FAILED, "PAYEE_NOT_FOUND", (money.PAYOUT_S,))
    money.begin(sim, row, struck, Beginning(end=fails if row["phone"].endswith("0000") else None))
    return _submitted(row)


def _submitted(row: Row) -> Response:
    return JSONResponse(
        {
            "response_code": "00",
            "response_text": "Transaction pending, please check the final status later",
            "status": "pending",
            "transaction_id": row["receipt"],
        }
    )


async def check_status(request: Request) -> Response:
    """POST disburse_invoice: how a payout stands."""
    sim, asked = simulator_of(request), await json_object(request)
    if fault := _wrong_keys(request):
        return _refusal("1001", fault)
    row = money.find(sim, NAME, OUT, str(asked.get("disburse_invoice") or "").strip())
    struck = trouble.strike(
        sim, NAME, trouble.PAYOUT_STATUS, row["phone"] if row else None, row["key"] if row else ""
    )
    exchange = MoneyExchange(
        work=lambda: (
            JSONResponse({"response_code": "00"} | _payout(row, money.facts_of(row, struck)))
            if row
            else _not_found()
        ),
        not_found=_not_found,
    )
    return await trouble.answered(sim, struck, exchange)


def _payout(row: Row, facts: MoneyFacts) -> dict[str, str]:
    """A payout as the check and the notice tell it."""
    word = {money.PAID: "success", money.FAILED: "failed"}.get(facts.state, facts.state.lower())
    when = datetime.fromtimestamp(facts.completed_at or row["begun_at"] or 0, UTC)
    amount = {} if facts.amount is None else {"amount": f"{Decimal(facts.amount):.2f}"}
    is_sent = row["begun_at"] is not None
    return {
        "status": word if is_sent else "created",
        "token": row["token"],
        "withdraw_mode": money.more_of(row)["withdraw_mode"],
        **amount,
        "updated_at": f"{when:%d/%m/%Y %H:%M:%S}",
        "disburse_id": row["reference"] if is_sent else "",
        "transaction_id": row["receipt"],
        "disburse_tx_id": f"OP{row['receipt'][-10:]}",
    }


# ---- what both share ----


def _inside(asked: dict[str, Any], *path: str) -> Any:
    value: Any = asked
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _whole(value: object) -> int | None:
    """An amount above zero without decimals, however it is written; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    said = re.fullmatch(r"([0-9]{1,12})(\.0+)?", str(value))
    return int(said[1]) or None if said else None


def _wrong_keys(request: Request) -> str:
    named = ("PAYDUNYA-MASTER-KEY", "PAYDUNYA-PRIVATE-KEY", "PAYDUNYA-TOKEN")
    wrong = [name for name in named if request.headers.get(name, "") in ("", WRONG)]
    return "Invalid Masterkey Specified" if wrong else ""


def _refusal(code: str, said: str) -> Response:
    return JSONResponse({"response_code": code, "response_text": said})


def _token(prefix: str) -> str:
    return prefix + "".join(choice(ascii_letters + digits) for _nth in range(20))


def _notice(_sim: Simulator, row: Row, told: MoneyFacts) -> OutgoingNotice:
    """A form: of an invoice data[…], of a payout plain names. The hash is that of the master key, always the same."""
    if row["direction"] == IN:
        said = dict(_flat("data", _transaction(row, told)))
    else:
        said = _payout(row, told) | {"hash": money.more_of(row)["hash"]}
    return OutgoingNotice(row["notice_url"], urlencode(said), headers={"content-type": FORM})


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return [(name, str(value))]
    return [pair for key, inside in value.items() for pair in _flat(f"{name}[{key}]", inside)]


def _statement(entries: list[journal.Entry]) -> str:
    """Preset `paydunya`: money out is below zero, and has no payer."""
    words = {money.PAID: "Complété", money.FAILED: "Échoué"}
    header = ("Numéro de transaction", "Date de création", "Statut", "Téléphone client", "Montant", "Frais")
    return journal.csv_text(
        (*header, "Description", "Référence"),
        (
            (
                entry["receipt"],
                entry["ended_at"],
                words[entry["state"]],
                entry["phone"] if entry["direction"] == IN else "",
                entry["amount"] if entry["direction"] == IN else f"-{entry['amount']}",
                entry["fee"],
                entry["note"] if entry["direction"] == IN else f"Déboursement {entry['reference']}",
                entry["token"],
            )
            for entry in entries
        ),
    )


PROVIDER = MoneyProvider(NAME, _notice, _statement, title="PayDunya")
ROUTES = [
    *(
        route
        for api in ("/simulator/paydunya/api/v1", "/simulator/paydunya/sandbox-api/v1")
        for route in (
            Route(f"{api}/checkout-invoice/create", create, methods=["POST"]),
            Route(f"{api}/checkout-invoice/confirm/{{token}}", confirm, methods=["GET", "POST"]),
        )
    ),
    Route("/simulator/paydunya/api/v1/softpay/{path}", softpay, methods=["POST"]),
    Route("/simulator/paydunya/sandbox-api/v1/softpay/checkout/make-payment", make_payment, methods=["POST"]),
    Route("/simulator/paydunya/api/v2/disburse/get-invoice", get_invoice, methods=["POST"]),
    Route("/simulator/paydunya/api/v2/disburse/submit-invoice", submit_invoice, methods=["POST"]),
    Route("/simulator/paydunya/api/v2/disburse/check-status", check_status, methods=["POST"]),
]
