"""The environment is read in one place."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
READER = ROOT / "otel_vector" / "settings" / "load.py"


def test_only_the_settings_loader_reads_the_environment():
    sources = [*ROOT.glob("otel_vector/**/*.py"), *ROOT.glob("collector/**/*.py")]
    readers = [source for source in sources if reads_environment(ast.parse(source.read_text()))]
    assert readers == [READER]


def reads_environment(tree: ast.AST) -> bool:
    return any(is_access(node) or is_import(node) for node in ast.walk(tree))


def is_access(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "environb", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )


def is_import(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and any(name.name in {"environ", "environb", "getenv"} for name in node.names)
    )
