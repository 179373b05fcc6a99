"""Task domains: families of dynamical systems whose members differ in a few parameters."""

from collections.abc import Mapping
from typing import Any

from pamlflow import plugins
from pamlflow.domains.base import TaskDomain
from pamlflow.domains.checks import require_domain, require_records
from pamlflow.domains.records import Records
from pamlflow.settings import SettingError, Settings

DOMAINS: Mapping[str, str] = {
    "cart_pole": "pamlflow.domains.cart_pole:CartPole",
    "pendubot": "pamlflow.domains.pendubot:Pendubot",
    "cart_double_pole": "pamlflow.domains.cart_double_pole:CartDoublePole",
    "mjcf": "pamlflow.domains.mjcf.domain:Mjcf",
    "recorded": "pamlflow.domains.recorded:Recorded",
    "gymnasium": "pamlflow.domains.gymnasium.domain:Gymnasium",
}
"""One file for each domain, and a line here; a file is loaded when its domain is used."""

MECHANISMS = ("cart_pole", "pendubot", "cart_double_pole")
"""The domains of the paper, whose parameters are masses in kg and lengths in m."""


def domain_class(name: str) -> Any:
    """Return what makes the domain of this name: one of DOMAINS, or a user's `package.module:Name`.

    Raises PartError, a ValueError, when there is none of this name, or its module cannot be loaded.
    """
    known: Mapping[str, Any] = DOMAINS
    return plugins.load(DOMAINS.get(name, name), known, "domain")


def has_records(domain: object) -> bool:
    """Whether a domain, or the class of one, has tasks that were recorded, and not a simulator's."""
    return hasattr(type(domain), "tasks") or hasattr(domain, "tasks")


def make_domain(
    name: str, options: Mapping[str, Any] | None = None, **simulation: object
) -> TaskDomain | Records:
    """Return the domain named in the configuration, made with its `options` and `simulation` settings.

    A class of recorded tasks is made with its options alone.

    Raises PartError as `domain_class` does, and when what it returns does not take these settings, raises
    an error of its own, or makes no domain; SettingError when an option is unknown or means nothing, as
    the class may find too.
    """
    make = domain_class(name)
    made_with = ({} if has_records(make) else simulation) | own_options(name, make, options or {})
    try:
        domain = make(**made_with)
    except (SettingError, plugins.PartError):  # an option, or a package that is missing
        raise
    except (Exception, SystemExit) as error:
        names = ", ".join(made_with) or "no settings"
        text = f"domain '{name}' cannot be made with {names}: {plugins.told(error)}"
        raise plugins.PartError(text) from error
    if has_records(domain):
        return require_records(f"domain '{name}'", domain)
    return require_domain(f"domain '{name}'", domain)


def own_options(name: str, make: Any, given: Mapping[str, Any]) -> dict[str, Settings]:
    """Return the keyword `options` for a class that has such settings; `given` take the place of defaults.

    Raises SettingError when one of them is unknown or means nothing, or when the class has none.
    """
    defaults = getattr(make, "options", None)
    if isinstance(defaults, Settings):
        try:
            return {"options": defaults.changed(given)}
        except SettingError:
            raise
        except Exception as error:  # of a check of the user's own
            raise SettingError((), plugins.told(error)) from error
    if given:
        text = "its class needs an attribute `options`, a pamlflow.settings.Settings of its own"
        raise SettingError((), f"the domain '{name}' takes none; {text}")
    return {}
