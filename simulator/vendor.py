"""The vendor's side of each USSD gateway: what it sends for a phone that dials and types, and how it reads the answer.

The names and words are those of the file of data that the service reads (`ussd/gateways/`); what a vendor sends besides
is in EXTRAS. Africa's Talking, which the service reads by a Python file, is described here in the same way.
"""

import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from xmlrpc.client import dumps as xml_rpc
from xmlrpc.client import loads as read_xml_rpc

import httpx

FOLDER = Path(__file__).parents[1] / "ussd" / "gateways"
AFRICASTALKING = "africastalking"
Description = Mapping[str, Any]
OF_AFRICASTALKING: Description = {
    "method": "POST",
    "body": "form",
    "fields": {"session": "sessionId", "phone": "phoneNumber", "input": "text", "code": "serviceCode"},
    "input": {"is": "all", "first": "empty", "repeat_s": 0},
    "answer": {"form": "text", "goes_on": "CON ", "ends": "END "},
}
EXTRAS: dict[str, dict[str, Any]] = {
    AFRICASTALKING: {"networkCode": "99999"},
    "comviva": {"MSC": "SIMULATED-MSC"},
    "dmark": {"transactionTime": "1796040000", "creationTime": "1796040000"},
    "hubtel": {"Operator": "mtn", "ClientState": ""},
    "madapi": {"language": "FR", "cellId": "", "imsi": ""},
    "mtn-rwanda": {"TransactionTime": "20261122T12:00:00"},
    "nalo": {"USERID": "KENEYA01", "NETWORK": "MTN"},
}
WITH_PLUS = (AFRICASTALKING, "plain")  # the others send a phone's digits alone
METHOD_CALLED = "handleUSSD"
CONTENT_TYPES = {
    "form": "application/x-www-form-urlencoded",
    "json": "application/json",
    "xml-rpc": "text/xml",
}


class VendorHop(NamedTuple):
    """One hop as a phone makes it: `dialled` behind the code, then `typed`, or `ended` by the phone or by time."""

    call: str
    phone: str
    code: str
    dialled: str = ""
    typed: tuple[str, ...] = ()
    ended: str = ""


class VendorReply(NamedTuple):
    """What the phone is shown, and whether the call goes on."""

    words: str
    goes_on: bool


def vendors() -> list[str]:
    """Every gateway that can be dialled through, Africa's Talking first."""
    return [AFRICASTALKING, *sorted(file.stem for file in FOLDER.glob("*.toml"))]


@lru_cache
def description(name: str) -> Description:
    """How a gateway speaks; KeyError for one that nobody knows."""
    if name not in vendors():
        raise KeyError(name)
    if name == AFRICASTALKING:
        return OF_AFRICASTALKING
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def address(name: str, service_url: str, secret: str) -> str:
    """Where the service is called."""
    path = f"/at/{secret}/ussd" if name == AFRICASTALKING else f"/ussd/{name}/{secret}".rstrip("/")
    return service_url + path


def tells_ends(name: str) -> bool:
    """Whether the gateway tells within its own hops that a call is over."""
    said = description(name)
    return "over" in said or "over" in said.get("phase", {})


def repeats_within_s(name: str) -> float:
    """How long the same input is the same hop: a caller who means it twice is slower."""
    said = description(name)
    counted = said["input"]["is"] == "all" or "sequence" in said["fields"]
    return 0.0 if counted else float(said["input"]["repeat_s"])


def request_of(name: str, url: str, hop: VendorHop) -> httpx.Request:
    """The request that the vendor makes for a hop; the same hop makes the same request."""
    said, fields = description(name), _fields(name, hop)
    if said["body"] == "query":
        return httpx.Request(said["method"], f"{url}?{urlencode(fields)}")
    kind, content = said["body"], urlencode(fields)
    if kind == "json":
        content = json.dumps(fields)
    elif kind == "xml-rpc":
        content = xml_rpc((fields,), METHOD_CALLED)
    return httpx.Request(said["method"], url, headers={"content-type": CONTENT_TYPES[kind]}, content=content)


def _fields(name: str, hop: VendorHop) -> dict[str, Any]:
    said, names = description(name), description(name)["fields"]
    phone = hop.phone if name in WITH_PLUS else hop.phone.removeprefix("+")
    fields: dict[str, Any] = {names["phone"]: phone}
    if "code" in names:
        fields[names["code"]] = hop.code
    fields |= {names["input"]: input_of(name, hop), names["session"]: hop.call}
    if "sequence" in names:
        fields[names["sequence"]] = len(hop.typed) + 1 + bool(hop.ended)
    return fields | _phase(said, hop) | EXTRAS.get(name, {})


def input_of(name: str, hop: VendorHop) -> str:
    """What the gateway sends as input: all that was dialled and typed, or the last of it."""
    said, code = description(name)["input"], hop.code.strip("#")
    dialled = [hop.dialled] if hop.dialled else []
    if said["is"] == "all":
        text = "*".join((*dialled, *hop.typed))
        return "*".join((code, *dialled, *hop.typed)) + "#" if said["first"] == "code" else text
    if hop.ended:
        return ""
    if hop.typed:
        return hop.typed[-1]
    return "" if said["first"] == "empty" else "*".join((code.strip("*"), *dialled))


def _phase(said: Description, hop: VendorHop) -> dict[str, Any]:
    if hop.ended and "over" in said:
        return {said["over"]["if"]: "clean-session", said["over"]["says"]: hop.ended}
    if "phase" not in said:
        return {}
    phase = said["phase"]
    ends = {status: word for word, status in phase.get("over", {}).items()}
    words = {True: phase["goes_on"][0], False: phase["begins"][0]}
    word = ends[hop.ended] if hop.ended else words[bool(hop.typed)]
    return {phase["field"]: word == "true" if said["body"] == "json" and word in ("true", "false") else word}


def read_reply(name: str, response: httpx.Response) -> VendorReply:
    """The screen in an answer; ValueError, with a sentence, for an answer that the vendor would not take."""
    answer = description(name)["answer"]
    if response.status_code != 200:
        raise ValueError(f"unexpected response code: {response.status_code}")
    words = response.content.decode("utf-8", "replace")
    for header, values in answer.get("headers", {}).items():
        if isinstance(values, dict):
            return VendorReply(words, _goes_on(values, response.headers.get(header)))
    if answer["form"] == "text":
        if not words.startswith((answer["goes_on"], answer["ends"])):
            raise ValueError("Response should start with a CON or an END")
        return VendorReply(words[len(answer["ends"]) :], words.startswith(answer["goes_on"]))
    found = json.loads(words) if answer["form"] == "json" else read_xml_rpc(words)[0][0]
    told = dict(_both(answer["values"], found))
    goes_on = [_goes_on(values, value) for values, value in told.values() if isinstance(values, dict)]
    screen = next(value for template, value in told.values() if template == "{screen}")
    return VendorReply(screen, goes_on[0])


def _both(template: Description, found: Any, within: str = "") -> list[tuple[str, tuple[Any, Any]]]:
    """Each value of the answer beside what stands for it in the description."""
    pairs: list[tuple[str, tuple[Any, Any]]] = []
    for name, said in template.items():
        if isinstance(said, dict) and said.keys() != {"on", "end"}:
            pairs += _both(said, found[name], f"{within}{name}.")
        else:
            pairs.append((f"{within}{name}", (said, found[name])))
    return pairs


def _goes_on(values: Mapping[str, Any], found: Any) -> bool:
    if found not in values.values():
        raise ValueError(f"{found!r} is neither going on nor ending")
    return bool(found == values["on"])
