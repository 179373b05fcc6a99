"""Task domains: families of dynamical systems whose members differ in a few parameters."""

from collections.abc import Callable

from pamlflow import plugins
from pamlflow.domains.base import TaskDomain
from pamlflow.domains.cart_double_pole import CartDoublePole
from pamlflow.domains.cart_pole import CartPole
from pamlflow.domains.checks import require_domain
from pamlflow.domains.pendubot import Pendubot

DOMAINS: dict[str, Callable[..., TaskDomain]] = {
    domain.name: domain for domain in (CartPole, Pendubot, CartDoublePole)
}


def make_domain(name: str, **simulation: object) -> TaskDomain:
    """Return the domain named in the configuration, made with its `simulation` settings.

    Raises PartError, a ValueError, when `name` is neither in DOMAINS nor a `package.module:Name`, or
    when what it names does not take these settings, raises an error of its own, or makes no TaskDomain.
    """
    make = plugins.load(name, DOMAINS, "domain")
    try:
        domain = make(**simulation)
    except (Exception, SystemExit) as error:
        names = ", ".join(simulation)
        text = f"domain '{name}' cannot be made with {names}: {plugins.told(error)}"
        raise plugins.PartError(text) from error
    return require_domain(f"domain '{name}'", domain)
