"""One name for one thing: no class of the service has the name of another."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_THE_SERVICE = {"tests", "bench", "torture", "var"}


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in ROOT.rglob("*.py"):
        path = file.relative_to(ROOT)
        if path.parts[0] in NOT_THE_SERVICE or path.parts[0].startswith("."):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    assert len(places) > 200
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
