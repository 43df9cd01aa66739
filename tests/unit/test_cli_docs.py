"""The command line's page in docs tells of every command, argument and option, and no others."""

import re
from pathlib import Path

import pytest
import typer

from otel_vector_collector.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
EVERYWHERE = {"--help", "-h"}


def commands(command, path=()):
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def section(name):
    found = re.search(rf"^##+ {re.escape(name)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section {name!r}"
    return found[1]


def described(name):
    rows = [line.split("|")[1] for line in section(name).splitlines() if line.startswith("|")]
    return {
        word
        for row in rows
        for term in re.findall(r"`([^`]+)`", row)
        for word in term.split()
        if word.startswith("-")
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_with_exactly_its_options_and_an_example(name):
    options = {
        flag
        for parameter in COMMANDS[name].params
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("-")
    } - EVERYWHERE
    assert described(name) == options
    assert f"otel-vector {name}" in section(name)


def test_no_command_is_described_that_does_not_exist():
    named = set(re.findall(r"^##+ (.+)$", PAGE, re.MULTILINE))
    assert named - {"deadletter", "jobs", "keys"} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_help_line(name):
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"
