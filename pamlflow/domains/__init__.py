"""Task domains: families of dynamical systems whose members differ in a few parameters."""

from collections.abc import Callable

from pamlflow import plugins
from pamlflow.domains.base import TaskDomain
from pamlflow.domains.cart_double_pole import CartDoublePole
from pamlflow.domains.cart_pole import CartPole
from pamlflow.domains.pendubot import Pendubot

DOMAINS: dict[str, Callable[..., TaskDomain]] = {
    domain.name: domain for domain in (CartPole, Pendubot, CartDoublePole)
}


def make_domain(name: str, **simulation: object) -> TaskDomain:
    """Return the domain named in the configuration, made with its `simulation` settings.

    Raises ValueError when `name` is neither in DOMAINS nor a `package.module:Name`, or when what it
    names does not take these settings or makes no TaskDomain.
    """
    make = plugins.load(name, DOMAINS, "domain")
    try:
        domain = make(**simulation)
    except TypeError as error:
        names = ", ".join(simulation)
        raise ValueError(f"domain '{name}' cannot be made with {names}: {error}") from error
    if not isinstance(domain, TaskDomain):
        raise ValueError(
            f"domain '{name}': {type(domain).__name__} lacks attributes or methods of "
            f"pamlflow.domains.base.TaskDomain"
        )
    return domain
