"""Which parts of a configuration further checks may rely on."""

from collections.abc import Iterable

from pamlflow.wording import Key


class Sound:
    """Says whether the value of a key is of the right kind: no `broken` key holds it.

    Called with the parts of a key. What the value itself holds may be broken: see `whole`.
    """

    def __init__(self, broken: Iterable[Key]) -> None:
        self._broken = tuple(broken)

    def __call__(self, *key: str | int) -> bool:
        """Say whether neither `key` nor what holds it is broken."""
        return not any(key[: len(bad)] == bad for bad in self._broken)

    def whole(self, *key: str | int) -> bool:
        """Say whether nothing that `key` holds is broken either."""
        return self(*key) and not any(bad[: len(key)] == key for bad in self._broken)
