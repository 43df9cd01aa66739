"""The project's own source files and modules, for the tests of its shape."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "otel_vector", ROOT / "collector" / "otel_vector_collector")


def package_files() -> list[Path]:
    """Return every Python file of the two packages."""
    return sorted(file for package in PACKAGES for file in package.rglob("*.py"))


def all_files() -> list[Path]:
    """Return every Python file: packages, tests, examples."""
    others = (ROOT / "tests", ROOT / "examples")
    return package_files() + sorted(f for folder in others for f in folder.rglob("*.py"))


def module_name(file: Path) -> str:
    """Return the name a package file is imported by."""
    base = ROOT / "collector" if "collector" in file.relative_to(ROOT).parts[:1] else ROOT
    parts = file.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def label(file: Path) -> str:
    """Return a file's path as one would name it."""
    return str(file.relative_to(ROOT))
