"""What a call has looked up, remembered between its hops: a later hop reads only what is new.

A look is remembered as plain JSON under its name and its arguments, and built again by what its `read` says it returns.
Only what comes back equal is remembered, never a PIN, and nothing for longer than a call lasts. Whatever is forgotten
is read again: losing it costs a statement.
"""

import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from hashlib import blake2b
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import orjson

from talk.words import Caller, Look

LASTS_S = 300  # a call lasts three minutes
LARGEST = 8 * 1024  # bytes of one answer: a list that is longer is read again
Build = Callable[[Any], Any]


class Memory:
    """The looks of one call, at a hop's time `at`. `kept` is what its session holds of them.

    `began` is when that began, in seconds of the clock.
    """

    def __init__(self, at: datetime, kept: dict[str, Any] | None = None, began: int = 0) -> None:
        now = int(at.timestamp())
        lasts = kept is not None and now - began < LASTS_S
        self._at, self.began = at, began if lasts else now
        self._kept: dict[str, Any] = kept if kept and lasts else {}
        self._new: dict[str, tuple[Look[Any], Any]] = {}
        self._used = False

    async def read(self, look: Look[Any], ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer of `look`: remembered, or what `ask` brings."""
        key = _key(look, self._at)
        if key in self._new:
            return self._new[key][1]
        if key in self._kept:
            self._used = True
            return _builder(look.read)(self._kept[key])
        answer = await ask()
        if key:
            self._new[key] = (look, answer)
        return answer

    def forget(self) -> bool:
        """Forget all of it; whether anything that an earlier hop had read was used."""
        used, self._used, self._kept, self._new = self._used, False, {}, {}
        return used

    def to_keep(self) -> dict[str, Any]:
        """What the next hop may remember."""
        new = {key: _plain(*read) for key, read in self._new.items()}
        return self._kept | {key: plain for key, plain in new.items() if plain is not None}


def _key(look: Look[Any], at: datetime) -> str:
    """The look's name and arguments, but for the caller and the hop's time, which are this call's; empty: unknown."""
    args = [None if isinstance(arg, Caller) or arg == at else arg for arg in look.args]
    try:
        told = orjson.dumps(args, _part, orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:
        return ""
    return f"{look.read.__qualname__} {blake2b(told, digest_size=8).hexdigest()}"


def _plain(look: Look[Any], answer: Any) -> Any:
    """The answer as JSON, in a list; None where it would not come back as it is."""
    try:
        written = orjson.dumps([answer], _part, orjson.OPT_PASSTHROUGH_SUBCLASS)
        plain = orjson.loads(written)
        whole = len(written) <= LARGEST and _builder(look.read)(plain) == answer
    except (TypeError, ValueError):
        return None
    return plain if whole else None


def _part(value: Any) -> Any:
    """What orjson does not write by itself; no PIN, which is a string of its own kind."""
    if isinstance(value, tuple):  # one with names
        return list(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(type(value).__name__)


@cache
def _builder(read: Callable[..., Any]) -> Build:
    """Builds what `read` returns from a list with its plain form; TypeError where it does not say what that is."""
    try:
        build = _build(typing.get_type_hints(read).get("return"))
    except NameError as unknown:
        raise TypeError(read.__qualname__) from unknown
    return lambda plain: build(plain[0])


def _as_it_is(plain: Any) -> Any:
    return plain


_BUILDS: dict[Any, Build] = {
    **dict.fromkeys((str, int, bool, float, type(None)), _as_it_is),
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
}


@cache
def _build(hint: Any) -> Build:
    if hint in _BUILDS:
        return _BUILDS[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType) and len(args) == 2 and args[1] is type(None):
        build = _build(args[0])
        return lambda plain: None if plain is None else build(plain)
    if origin is Literal:
        return _as_it_is
    if origin is list or (origin is tuple and args[-1] is Ellipsis):
        build = _build(args[0])
        return lambda plain: origin([build(part) for part in plain])
    if origin is tuple:
        return _in_order(tuple, [_build(arg) for arg in args])
    if origin is dict and args[0] is str:
        build = _build(args[1])
        return lambda plain: {name: build(part) for name, part in plain.items()}
    if isinstance(hint, type) and origin is None:
        return _build_class(hint)
    raise TypeError(str(hint))


def _build_class(cls: type) -> Build:
    if issubclass(cls, Enum):
        return cls
    hints = typing.get_type_hints(cls)
    if is_dataclass(cls):
        parts = [(field.name, _build(hints[field.name])) for field in fields(cls) if field.init]
        return lambda plain: cls(**{name: build(plain[name]) for name, build in parts})
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _in_order(lambda parts: cls(*parts), [_build(hints[name]) for name in cls._fields])
    raise TypeError(cls.__name__)


def _in_order(made: Callable[[list[Any]], Any], builds: list[Build]) -> Build:
    return lambda plain: made([build(part) for build, part in zip(builds, plain, strict=True)])
