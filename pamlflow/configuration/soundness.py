"""The parts of a configuration that further checks may rely on."""

from collections.abc import Iterable

from pamlflow.wording import Key


class Sound:
    """Says whether the value of a key has the right type: neither it nor a section above it is `broken`.

    It is called with the parts of a key. Values below the key may be broken: see `whole`.
    """

    def __init__(self, broken: Iterable[Key]) -> None:
        self._broken = tuple(broken)

    def __call__(self, *key: str | int) -> bool:
        """Return whether neither `key` nor a section above it is broken."""
        return not any(key[: len(bad)] == bad for bad in self._broken)

    def whole(self, *key: str | int) -> bool:
        """Return whether `key` is sound and nothing below it is broken."""
        return self(*key) and not any(bad[: len(key)] == key for bad in self._broken)
