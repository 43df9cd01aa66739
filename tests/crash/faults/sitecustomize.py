"""Kills its own process at a named place: `CRASH_AT=module:Class.method:before|after:n`.

Put on PYTHONPATH of a server under test. The n-th call of the function ends the process by
SIGKILL, just before it begins or just after it returned.
"""

import importlib.abc
import importlib.util
import os
import signal
import sys

_PLACE = os.environ.get("CRASH_AT", "")


def _kill():
    os.kill(os.getpid(), signal.SIGKILL)


def _wrapped(function, when, count):
    left = [count]

    def wrapper(*args, **kwargs):
        left[0] -= 1
        if when == "before" and left[0] == 0:
            _kill()
        result = function(*args, **kwargs)
        if when == "after" and left[0] == 0:
            _kill()
        return result

    return wrapper


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, module, path, when, count):
        self.module, self.path, self.when, self.count = module, path, when, count

    def find_spec(self, name, path=None, target=None):
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            owner = module
            *owners, last = self.path.split(".")
            for part in owners:
                owner = getattr(owner, part)
            setattr(owner, last, _wrapped(getattr(owner, last), self.when, self.count))

        spec.loader.exec_module = exec_module
        return spec


if _PLACE:
    _module, _path, _when, _count = _PLACE.split(":")
    sys.meta_path.insert(0, _Finder(_module, _path, _when, int(_count)))
