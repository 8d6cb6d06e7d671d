"""Documents that are changed by a name, and what is told of their coming into force."""

from . import service
from .processes import until
from .sites import MAIL_SITES

NEW = "mx-00000007.mail.eu.retarus.com"


def with_name(world, name=NEW):
    names = [service.NAME, *service.MX_NAMES, name]
    path = world.folder / "changed.yaml"
    path.write_text(service.document(world.mail_authority.ca, world.starttls, names=names))
    return path


def publication(world):
    return world.status()["publication"]


def all_serve(world):
    status = world.status()
    servers = [d for s in status["sites"] for d in s["dnsd"]]
    return servers and all(d["epoch"] == status["epoch"] for d in servers)


def first_site(world):
    return next(s for s in MAIL_SITES if s.name == publication(world)["site"])


def first_of(world):
    """The site whose name server goes first, found by publishing something harmless."""
    assert world.tandem("apply", "-f", with_name(world)).returncode == 0
    site = first_site(world)
    assert world.tandem("apply", "-f", world.service_file).returncode == 0
    until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
    return site
