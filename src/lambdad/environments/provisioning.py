"""Makes provisioned concurrency so: what functions say they want, the environments are told.

The wish is in the store, so a restart is no special case. AWS:
docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from collections.abc import Callable, Iterable

from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion, provisioned_by_version


class Provisioning:
    def __init__(self, provision: Callable[[FunctionVersion, int], None]) -> None:
        """`provision(version, count)`: keep so many environments of it initialised."""
        self._provision = provision

    def start(self, functions: Iterable[Function]) -> None:
        for function in functions:
            self.function_changed(function.key, None, function)

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change. A version that is still Pending is provisioned when it becomes Active."""
        if after is None:
            return
        wanted = _wanted(after)
        for name in _wanted(before) | wanted:
            version = after.versions.get(name)
            if version is not None and name != LATEST and version.state == "Active":
                self._provision(version, wanted.get(name, 0))


def _wanted(function: Function | None) -> dict[str, int]:
    if function is None or not function.provisioned_concurrency:
        return {}
    return provisioned_by_version(function)
