"""A gateway described by a file of data: one reader of its requests, one writer of its answers.

`docs/gateways/README.md` says what each entry of such a file means.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xmlrpc.client import dumps as xml_rpc

import orjson
from anyascii import anyascii

from talk.phones import gateway_phone, written_phone
from talk.screen import Shown
from talk.trouble import InvalidError
from ussd.gateways import FOLDER, Fields, Gateway, Screen
from ussd.hop import LONGEST_CALL_ID, LONGEST_TEXT, NO_NUMBER, UNREADABLE, Hop, UnreadableError

ENTRIES: dict[str, tuple[str, ...]] = {
    "": ("method", "body", "fields", "input", "phase", "over", "screen", "answer"),
    "fields": ("session", "phone", "input", "code", "sequence"),
    "input": ("is", "first", "repeat_s", "region"),
    "phase": ("field", "begins", "goes_on", "over"),
    "over": ("if", "says"),
    "screen": ("limit", "counts", "alphabet"),
    "answer": ("form", "goes_on", "ends", "headers", "values"),
}
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "method"): ("GET", "POST"),
    ("", "body"): ("query", "form", "json", "xml-rpc"),
    ("input", "is"): ("last", "all"),
    ("input", "first"): ("empty", "code"),
    ("screen", "counts"): ("septets", "characters", "ucs2-octets"),
    ("screen", "alphabet"): ("gsm7", "ascii"),
    ("answer", "form"): ("text", "json", "xml-rpc"),
}
TYPES = {"text": "text/plain; charset=utf-8", "json": "application/json", "xml-rpc": "text/xml"}
SCREEN_HERE = "{screen}"
LARGEST_SEQUENCE = 9  # digits
LEAST_LIMIT = 60  # below that a confirmation would come in many parts


@dataclass(frozen=True)
class Description:
    """The file `name`.toml, read. `code` is the installation's own service code, where no request has it."""

    name: str
    code: str
    written: Mapping[str, Any]
    names: Mapping[str, str] = field(init=False)
    phases: Mapping[str, tuple[bool | None, str]] = field(init=False)

    def __post_init__(self) -> None:
        phase = self.written.get("phase", {})
        phases: dict[str, tuple[bool | None, str]] = {
            word.lower(): (False, "") for word in phase.get("begins", ())
        }
        phases |= {word.lower(): (True, "") for word in phase.get("goes_on", ())}
        phases |= {word.lower(): (None, status) for word, status in phase.get("over", {}).items()}
        object.__setattr__(self, "names", self.written["fields"])
        object.__setattr__(self, "phases", phases)

    @property
    def room(self) -> int:
        """Septets of a screen. A letter is at least one, so that as many letters have room in any case."""
        screen, answer = self.written["screen"], self.written["answer"]
        limit = screen["limit"] // 2 if screen["counts"] == "ucs2-octets" else screen["limit"]
        return int(limit - max(len(answer.get("goes_on", "")), len(answer.get("ends", ""))))

    def read_hop(self, fields: Fields, _headers: Fields) -> Hop:
        """The hop in a request; raises UnreadableError with a sentence for the caller."""
        names, wanted = self.names, self.written["input"]
        call = _value(fields, names["session"])
        service = _value(fields, names["code"]) if "code" in names else self.code
        text = _value(fields, names["input"])
        if (
            not call
            or len(call) > LONGEST_CALL_ID
            or len(service) > LONGEST_CALL_ID
            or len(text) > LONGEST_TEXT
        ):
            raise UnreadableError(UNREADABLE)
        past_dial, over = self._phase(fields, text)
        if over:
            return Hop(self.name, call, "", service, "", over=over)
        phone = _phone(_value(fields, names["phone"]), wanted.get("region"))
        if wanted["is"] == "all":
            text = _behind(service or self.code, text) if wanted["first"] == "code" else text
            return Hop(self.name, call, phone, service, text, past_dial)
        if past_dial is False and wanted["first"] == "code":
            text = _behind(service or self.code, text, else_nothing=True)
        sequence = _number(_value(fields, names["sequence"])) if "sequence" in names else None
        return Hop(self.name, call, phone, service, text, past_dial, last_only=True, sequence=sequence)

    def _phase(self, fields: Fields, text: str) -> tuple[bool | None, str]:
        """Whether the call was answered before (None: nobody can tell), and how it is over."""
        if over := self.written.get("over"):
            if any(name.lower() == over["if"].lower() for name in fields):
                return None, _value(fields, over["says"]) or "over"
        elif self.phases:
            word = _value(fields, self.written["phase"]["field"]).lower()
            return self.phases.get(word, (None, ""))
        wanted = self.written["input"]
        if wanted["is"] == "all":
            return None, ""
        if wanted["first"] == "empty":
            return (True if text else None), ""
        return (not _is_code(self.code, text) if self.code else None), ""

    def write_screen(self, shown: Shown, fields: Fields) -> Screen:
        """The body and the headers of the answer."""
        answer = self.written["answer"]
        text = _plain(shown.text) if self.written["screen"]["alphabet"] == "ascii" else shown.text
        headers = {"content-type": TYPES[answer["form"]]}
        for name, values in answer.get("headers", {}).items():
            headers[name.lower()] = str(_filled(values, shown, text, fields))
        if answer["form"] == "text":
            return answer.get("ends" if shown.end else "goes_on", "") + text, headers
        values = _filled(answer["values"], shown, text, fields)
        if answer["form"] == "json":
            return orjson.dumps(values).decode(), headers
        return xml_rpc((values,), methodresponse=True), headers


def _value(fields: Fields, name: str) -> str:
    """A field of the request, whatever the case of its name; empty if it is missing."""
    found = fields.get(name)
    if found is None:
        folded = name.lower()
        found = next((value for other, value in fields.items() if other.lower() == folded), "")
    return found


def _phone(raw: str, region: str | None) -> str:
    if region:  # written as people of the country do, without its code
        try:
            return written_phone(raw, region)
        except InvalidError:
            raise UnreadableError(NO_NUMBER) from None
    phone = gateway_phone(raw)
    if phone is None:
        raise UnreadableError(NO_NUMBER)
    return phone


def _number(written: str) -> int | None:
    digits = written.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= LARGEST_SEQUENCE else None


def _bare(code: str) -> str:
    return code.strip().strip("*#")


def _is_code(code: str, dialled: str) -> bool:
    bare, root = _bare(dialled), _bare(code)
    return bare == root or bare.startswith(f"{root}*")


def _behind(code: str, dialled: str, *, else_nothing: bool = False) -> str:
    """What was dialled or typed behind the service code: `*384*57*1*2#` is 1*2 at `*384*57#`."""
    if not _is_code(code, dialled):
        return "" if else_nothing else dialled
    text = dialled.strip().removeprefix("*").removesuffix("#")
    return text[len(_bare(code)) :].removeprefix("*")


def _plain(text: str) -> str:
    """`text` in ASCII, a letter for a letter, so that it takes no more room."""
    return (
        text
        if text.isascii()
        else "".join(one if one.isascii() else anyascii(one)[:1] or "?" for one in text)
    )


def _filled(template: Any, shown: Shown, text: str, fields: Fields) -> Any:
    """A part of the answer with the screen, the echoed fields and what is said of going on or ending."""
    if isinstance(template, dict):
        if template.keys() == {"on", "end"}:
            return template["end" if shown.end else "on"]
        return {name: _filled(value, shown, text, fields) for name, value in template.items()}
    if template == SCREEN_HERE:
        return text
    if isinstance(template, str) and template[:1] == "{" and template[-1:] == "}":
        return _value(fields, template[1:-1])
    return template


def describe(name: str, code: str = "") -> Description:
    """The description of a gateway; ValueError, with a sentence, where its file is wrong."""
    try:
        written = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ValueError(f"the file of gateway {name} cannot be read: {fault}") from None
    if complaint := _complaint(written):
        raise ValueError(f"the file of gateway {name}: {complaint}")
    return Description(name, code, written)


def gateway(name: str, code: str = "") -> Gateway:
    """A described gateway, ready to be called; ValueError where its file is wrong."""
    one = describe(name, code)
    return Gateway(
        name,
        one.written["method"],
        one.written["body"],
        one.read_hop,
        one.write_screen,
        one.room,
        round(one.written["input"]["repeat_s"] * 1000),
    )


def _complaint(written: Mapping[str, Any]) -> str | None:
    """The first thing that nobody could follow."""
    for section, known in ENTRIES.items():
        entries = written.get(section, {}) if section else written
        if unknown := [name for name in entries if name not in known]:
            return f"{section or 'it'} has {unknown[0]}, which means nothing"
    for (section, name), words in WORDS.items():
        found = written.get(section, {}).get(name) if section else written.get(name)
        if found not in words:
            return f"{section} {name} must be one of {', '.join(words)}".strip()
    wanting = [name for name in ("session", "phone", "input") if not written.get("fields", {}).get(name)]
    if wanting:
        return f"fields lacks {wanting[0]}"
    if not isinstance(written["input"].get("repeat_s"), int | float):
        return "input repeat_s must be a number of seconds"
    if not isinstance(written["screen"].get("limit"), int) or written["screen"]["limit"] < LEAST_LIMIT:
        return f"screen limit must be {LEAST_LIMIT} or more"
    return None
