"""Names from a file beside the document: written, applied, looked for."""

from contextlib import contextmanager

from . import dns, service
from .processes import until
from .sites import MAIL_ADDRESSES

FILE = "mx-eu.names"


def name(number):
    return f"mx-{number:08d}.mail.eu.retarus.com"


@contextmanager
def document(world):
    """A document with a names file; the former one is in force again afterwards."""
    former = world.service_file.read_text()
    path = world.folder / "with-names.yaml"
    path.write_text(former + f"\nnames_files:\n  - {{zone: {service.ZONE}, pool: {service.POOL}, "
                    f"file: {FILE}}}\n")
    yield path
    done = world.tandem("apply", "-f", world.service_file)
    if "--remove-names" in done.stdout + done.stderr:
        count = (done.stdout + done.stderr).split("--remove-names ")[1].split()[0]
        done = world.tandem("apply", "-f", world.service_file, "--remove-names", count)
    assert done.returncode == 0, done


def write(world, numbers):
    (world.folder / FILE).write_text("# made by a test\n" + "".join(
        f"{name(number)}\n" for number in numbers))


def apply(world, path, *words):
    return world.tandem("apply", "-f", path, *words, limit_s=60)


def wait_served(world, owner, addresses=MAIL_ADDRESSES):
    dns.wait_for_addresses(world.dns_servers, owner, lambda found: found == set(addresses), 15,
                           f"{owner} is not answered")


def wait_absent(world, owner):
    for server in world.dns_servers:
        asker = dns.Asker(server)
        until(lambda a=asker: a.ask(owner).rcode == dns.NXDOMAIN, 15, f"{owner} is still answered")
        asker.close()
