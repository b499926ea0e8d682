"""Who imports whom among the files of this repository, tests included, read from their text: nothing is run.

grimp, which import-linter brings, sees packages only; half of what the tests start are single files of the root.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
NO_CODE = {"var", "build"}


@cache
def imports() -> dict[str, set[str]]:
    """Each Python file and the files it imports, as paths from the root; an import within a function counts too."""
    modules = {_module(path): path for path in _paths()}
    return {path: set(_imported(module, path, modules)) for module, path in modules.items()}


def reached(start: str, *, without: frozenset[str] = frozenset()) -> set[str]:
    """All that `start` imports, and what that imports, and so on; nothing is reached through `without`."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        path = ahead.pop()
        if path not in found and path not in without:
            found.add(path)
            ahead += imports()[path]
    return found


def _paths() -> Iterator[str]:
    for top in HOME.iterdir():
        if not top.name.startswith(".") and top.name not in NO_CODE:
            for file in top.rglob("*.py") if top.is_dir() else [top]:
                if file.suffix == ".py":
                    yield file.relative_to(HOME).as_posix()


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(module: str, path: str, modules: dict[str, str]) -> Iterator[str]:
    package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
    for node in ast.walk(ast.parse((HOME / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:  # of a package, a module or what is within a module
            if found := modules.get(name) or modules.get(name.rpartition(".")[0]):
                yield found
