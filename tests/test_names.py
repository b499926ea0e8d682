"""One name for one thing, and few parameters: what a reader must know before reading a function's body."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_THE_SERVICE = {"tests", "var"}
MOST_PARAMETERS = 6
MORE_PARAMETERS = {  # why each may
    "engines/processes.py: start",  # options of a process, each by name
    "sms/africastalking/sending.py: _make_request",  # the SDK's signature
    "talk/engine.py: play",  # all that one hop is played with
}


def service_nodes() -> Iterator[tuple[Path, ast.AST]]:
    """Each node of the service's code, with its file."""
    for file in ROOT.rglob("*.py"):
        path = file.relative_to(ROOT)
        if path.parts[0] not in NOT_THE_SERVICE and not path.parts[0].startswith("."):
            for node in ast.walk(ast.parse(file.read_text())):
                yield path, node


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path, node in service_nodes():
        if isinstance(node, ast.ClassDef):
            places[node.name].append(str(path))
    assert len(places) > 200
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_function_has_many_parameters() -> None:
    counted = [
        (f"{path}: {node.name}", len([own for own in ast.walk(node.args) if isinstance(own, ast.arg)]))
        for path, node in service_nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(counted) > 1500
    assert {name for name, parameters in counted if parameters > MOST_PARAMETERS} == MORE_PARAMETERS
