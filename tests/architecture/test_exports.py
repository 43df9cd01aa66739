"""A module's `__all__` is the list of its public names: constants, classes, functions, each sorted."""

import ast

import pytest
from support.sources import label, package_files

PUBLIC_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def test_every_module_that_defines_public_names_lists_them():
    without = [
        label(file)
        for file in package_files()
        if exported(tree_of(file)) is None and defined(tree_of(file))
    ]
    assert not without


@pytest.mark.parametrize("file", package_files(), ids=label)
def test_all_is_sorted_and_names_every_public_definition(file):
    tree = tree_of(file)
    names = exported(tree)
    if names is None:
        return
    assert names == sorted(names, key=as_sorted)
    assert defined(tree) <= set(names)
    assert set(names) <= defined(tree) | assigned(tree) | imported(tree) | lazy(tree)


def test_the_front_door_opens_onto_what_it_lists():
    import otel_vector

    assert all(getattr(otel_vector, name) for name in otel_vector.__all__)
    assert dir(otel_vector) == sorted(otel_vector.__all__)


def test_the_front_door_says_what_it_does_not_have():
    import otel_vector

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = otel_vector.nothing


def as_sorted(name):
    """Order constants, then classes, then functions, as the linter's formatter does."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


def tree_of(file):
    return ast.parse(file.read_text())


def exported(tree):
    """Return the names in `__all__`, or None without one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in targets(node):
            return ast.literal_eval(node.value)
    return None


def defined(tree):
    """Return the public functions and classes a module defines, for others to import."""
    nodes = [node for node in tree.body if isinstance(node, PUBLIC_DEFINITIONS)]
    return {n.name for n in nodes if not n.name.startswith("_") and not is_registered(n)}


def is_registered(node):
    """Return whether a decorator hands the function to a router or an application."""
    called = (d.func for d in node.decorator_list if isinstance(d, ast.Call))
    owners = (f.value for f in called if isinstance(f, ast.Attribute))
    return any(isinstance(owner, ast.Name) and owner.id in {"router", "app"} for owner in owners)


def assigned(tree):
    """Return the names a module binds at its top level, type aliases included."""
    names = {name for node in tree.body if isinstance(node, ast.Assign) for name in targets(node)}
    names |= {
        node.target.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return names - {"__all__"}


def imported(tree):
    found = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    return {alias.asname or alias.name for node in found for alias in node.names}


def lazy(tree):
    """Return the names that a module's `__getattr__` loads when they are asked for."""
    if not any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in tree.body):
        return set()
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str)}


def targets(node):
    return {target.id for target in node.targets if isinstance(target, ast.Name)}
