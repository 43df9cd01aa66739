"""Modules whose functions are wrapped are found, loaded, reloaded and fail as they do without us."""

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
import zipfile

import pytest
from support.zero_code import load, shop_in, tracing, write

from otel_vector.instrument.zero import VectorInstrumentor


@pytest.fixture
def shop(tmp_path, monkeypatch):
    with shop_in(tmp_path, monkeypatch) as folder:
        yield folder


@pytest.fixture
def traced(shop):
    with tracing() as found:
        yield found


def test_modules_that_are_imported_already_are_wrapped_too(traced):
    cart = load("shop.cart")
    traced.instrument("shop.cart:total")
    cart.total([])
    cart.subtotal([])
    assert traced.names() == ["total", "total"]


def test_a_name_that_is_imported_from_a_module_is_the_traced_one(traced, shop):
    write(shop, {"shop/__init__.py": "from shop.cart import total"})
    traced.instrument("shop.cart:total")
    load("shop").total([])
    assert traced.names() == ["total"]


def test_uninstrumenting_restores_every_place_and_imports_are_watched_no_more(traced, shop):
    write(shop, {"shop/later.py": "def f(): pass"})
    before = list(sys.meta_path)
    cart = load("shop.cart")
    held = dict(vars(cart)), dict(vars(cart.Cart))
    traced.instrument("shop.**:*")
    assert dict(vars(cart.Cart)) != held[1]
    VectorInstrumentor().uninstrument()
    assert (dict(vars(cart)), dict(vars(cart.Cart))) == held
    assert sys.meta_path == before
    load("shop.later").f()
    cart.total([])
    assert traced.names() == []


def test_a_place_that_somebody_changed_since_is_not_restored(traced):
    traced.instrument("shop.cart:*")
    cart = load("shop.cart")
    cart.total = print
    VectorInstrumentor().uninstrument()
    assert cart.total is print


def test_a_reloaded_module_is_wrapped_once_more(traced):
    traced.instrument("shop.cart:total")
    cart = importlib.reload(load("shop.cart"))
    cart.total([])
    assert traced.names() == ["total"]


def test_a_module_has_the_loader_and_the_spec_that_it_has_without_us(traced):
    def facts(module):
        spec = module.__spec__
        return (
            type(spec.loader),
            type(module.__loader__),
            spec.loader is module.__loader__,
            spec.origin,
        )

    plain = facts(load("shop.base"))
    del sys.modules["shop.base"]
    traced.instrument("shop.**:*")
    assert facts(load("shop.base")) == plain
    assert (
        importlib.util.find_spec("shop.cart").loader.get_source("shop.cart").startswith("\nimport")
    )
    found = importlib.util.find_spec("shop.cart").loader
    assert isinstance(found, importlib.machinery.SourceFileLoader)


def test_a_module_in_a_zip_file_is_wrapped(traced, shop, monkeypatch):
    with zipfile.ZipFile(shop / "space.zip", "w") as archive:
        archive.writestr("space/__init__.py", "")
        archive.writestr("space/inside.py", "def f(): pass")
    monkeypatch.syspath_prepend(shop / "space.zip")
    traced.instrument("space.**:*")
    load("space.inside").f()
    assert traced.names() == ["f"]


def test_a_namespace_package_stays_one_and_its_modules_are_wrapped(traced, shop, monkeypatch):
    write(shop, {"one/space/a.py": "def f(): pass", "two/space/b.py": "def g(): pass"})
    monkeypatch.syspath_prepend(shop / "one")
    monkeypatch.syspath_prepend(shop / "two")
    traced.instrument("space.**:*")
    load("space.a").f()
    load("space.b").g()
    assert traced.names() == ["f", "g"]
    assert load("space").__file__ is None


def test_lazy_attributes_stay_asleep(traced, shop):
    lazy = """
        def __getattr__(name):
            if name == "cart":
                import shop.cart
                return shop.cart
            raise AttributeError(name)
    """
    write(shop, {"shop/__init__.py": lazy})
    traced.instrument("shop.**:*")
    package = load("shop")
    assert "shop.cart" not in sys.modules
    package.cart.total([])
    assert traced.names() == ["taxed", "total"]


def lazily_loaded(name):
    """Return a module that is executed when it is first used."""
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_module_that_is_loaded_lazily_is_wrapped_when_it_wakes(traced):
    traced.instrument("shop.base:*")
    module = lazily_loaded("shop.base")
    assert type(module) is not type(sys)
    module.taxed(1)
    assert type(module) is type(sys)
    assert traced.names() == ["taxed"]


def test_a_lazy_module_that_was_there_before_is_not_woken(traced):
    module = lazily_loaded("shop.base")
    traced.instrument("shop.**:*")
    assert type(module) is not type(sys)
    assert module.taxed(1) == 2


@pytest.mark.parametrize(
    "body", ["import nowhere_at_all", "1 / 0", "def f(:", "raise SystemExit(3)"]
)
def test_an_import_that_fails_fails_as_it_does_without_us(traced, shop, body):
    def failed():
        with pytest.raises(BaseException) as caught:
            load("shop.broken")
        return type(caught.value), str(caught.value)

    write(shop, {"shop/broken.py": body})
    without = failed()
    traced.instrument("shop.**:*")
    assert failed() == without
    assert "shop.broken" not in sys.modules
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'shop\.nowhere'"):
        load("shop.nowhere")


def test_modules_that_import_each_other_still_can(traced, shop):
    write(shop, {
        "shop/one.py": "import shop.two\ndef f(): return shop.two.g()",
        "shop/two.py": "import shop.one\ndef g(): return 7",
    })  # fmt: skip
    traced.instrument("shop.**:*")
    assert load("shop.one").f() == 7
    assert traced.names() == ["g", "f"]


def test_threads_that_import_at_once_all_get_the_traced_function(traced):
    traced.instrument("shop.**:total")
    gate = threading.Barrier(8)
    found = []

    def use():
        gate.wait(10)
        found.append(load("shop.cart").total)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for function in found:
        function([])
    assert traced.names() == ["total"] * 8


def test_another_finder_that_asks_all_finders_again_is_no_endless_loop(traced):
    wrapt = pytest.importorskip("wrapt")
    seen = []
    wrapt.register_post_import_hook(lambda module: seen.append(module.__name__), "shop.base")
    traced.instrument("shop.**:*")
    load("shop.base").taxed(1)
    assert seen == ["shop.base"]
    assert traced.names() == ["taxed"]
