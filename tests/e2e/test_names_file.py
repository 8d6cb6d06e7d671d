"""Names by the thousand from a file beside the document: served, changed, guarded, kept on disk."""

import pytest

from tandemworld import dns, names, service
from tandemworld.names import FILE, apply, name, wait_absent, wait_served
from tandemworld.sites import FRA, MUC

COUNT = 20000


@pytest.fixture
def document(world):
    with names.document(world) as path:
        yield path


def test_names_of_a_file_are_served_changed_and_follow_their_pool(world, document):
    names.write(world, range(COUNT))
    done = apply(world, document)
    assert done.returncode == 0, done
    assert f"{COUNT} names, {COUNT} new" in done.stdout, done.stdout
    for number in (0, COUNT // 2, COUNT - 1):
        wait_served(world, name(number))
    assert dns.rrset(MUC.dns, name(COUNT), "A")[0] == []
    # The document in the store says what it means, without the names themselves.
    text = world.leader_api().get("/v1/config").json["document"]
    assert f"names: {COUNT}" in text and name(1) not in text

    # A site leaves: all of them follow, by one change of the pool.
    assert world.drain(FRA, "the names follow").returncode == 0
    for number in (0, 1, COUNT - 1):
        wait_served(world, name(number), {MUC.mail})
    assert world.undrain(FRA).returncode == 0
    wait_served(world, name(7))

    # Some names come and go: the plan shows which, and nobody else notices.
    names.write(world, [*range(3, COUNT), COUNT + 5])
    plan = world.tandem("plan", "-f", document)
    assert plan.returncode == 0 and "1 new" in plan.stdout and "3 removed" in plan.stdout, plan
    assert name(COUNT + 5) in plan.stdout and name(2) in plan.stdout
    with dns.Watch(name(4), service.ZONE, pause_s=0.01) as watch:
        done = apply(world, document)
        assert done.returncode == 0, done
        wait_served(world, name(COUNT + 5))
        wait_absent(world, name(2))
    watch.never_empty()

    # Both name servers start from their disks alone.
    for process in [*world.controld.values(), *world.dnsd.values()]:
        process.kill()
    for process in world.dnsd.values():
        process.start()
    for number in (3, COUNT - 1, COUNT + 5):
        wait_served(world, name(number))
    for process in world.controld.values():
        process.start()
    world.wait_for_leader()
    world.wait_settled()


def test_a_truncated_file_empties_nothing(world, document):
    names.write(world, range(COUNT))
    assert apply(world, document).returncode == 0
    wait_served(world, name(COUNT - 1))
    before = world.status()
    whole = (world.folder / FILE).read_text()

    half = whole[:len(whole) // 2]
    (world.folder / FILE).write_text(half)  # ends in the middle of a name
    refused = apply(world, document)
    assert refused.returncode == 1 and f"{FILE}:{half.count(chr(10)) + 1}:1:" in refused.stderr
    (world.folder / FILE).write_text(half[:half.rindex("\n") + 1])
    refused = apply(world, document)
    assert refused.returncode == 1, refused
    assert "rule 1" in refused.stdout + refused.stderr and "--remove-names" in refused.stdout
    (world.folder / FILE).write_text("# nothing\n")
    refused = apply(world, document)
    assert refused.returncode == 1 and f"{FILE}:1:1:" in refused.stderr, refused
    after = world.status()
    assert (before["epoch"], before["revision"]) == (after["epoch"], after["revision"])
    wait_served(world, name(COUNT - 1))

    # Said with its number, it is meant.
    names.write(world, range(COUNT // 2))
    assert apply(world, document, "--remove-names", "17").returncode == 1
    done = apply(world, document, "--remove-names", str(COUNT // 2))
    assert done.returncode == 0, done
    wait_absent(world, name(COUNT - 1))
    wait_served(world, name(COUNT // 2 - 1))


def test_a_pool_behind_many_names_changes_only_with_their_number(world, document):
    names.write(world, range(COUNT))
    assert apply(world, document).returncode == 0
    before = world.status()
    text = document.read_text()
    document.write_text(text.replace(f"ttl: {service.TTL_S}s\n", "ttl: 31s\n", 1))
    plan = world.tandem("plan", "-f", document)
    number = COUNT + 1 + len(service.MX_NAMES)
    assert plan.returncode == 1 and f"{number} of " in plan.stdout, plan
    assert f"pool {service.POOL} {number}" in plan.stdout and "+ " in plan.stdout, plan
    refused = apply(world, document)
    assert refused.returncode == 1 and f"--changes {number}" in refused.stdout, refused
    assert apply(world, document, "--changes", str(number - 1)).returncode == 1
    answer = world.leader_api().post("/v1/apply", {"document": world.leader_api().get(
        "/v1/config").json["document"].replace(f"ttl: {service.TTL_S}s\n", "ttl: 31s\n", 1)})
    assert answer.status == 409 and f"--changes {number}" in answer.error["message"], answer
    assert world.status()["revision"] == before["revision"]
    done = apply(world, document, "--changes", str(number))
    assert done.returncode == 0, done
    assert world.status()["revision"] == before["revision"] + 1
    back = world.tandem("rollback", before["revision"], limit_s=60)
    assert back.returncode == 1 and f"--changes {number}" in back.stdout, back
    back = world.tandem("rollback", before["revision"], "--changes", str(number), limit_s=60)
    assert back.returncode == 0, back


def test_a_wrong_names_file_is_refused_with_its_place(world, document):
    (world.folder / FILE).write_text(
        f"{name(1)}\nfoo.example.com\n{service.NAME}\nns1.{service.ZONE}\n")
    done = world.tandem("check", "-f", document)
    assert done.returncode == 1, done
    for place in (f"{FILE}:2:1: ", f"{FILE}:3:1: ", f"{FILE}:4:1: "):
        assert place in done.stderr, done
    (world.folder / FILE).write_text(f"{name(1)}\n{name(2)} # twice\n  {name(1).upper()}.\n")
    done = apply(world, document)
    assert done.returncode == 1 and f"{FILE}:3:3: name {name(1)}. again" in done.stderr, done
    # A controller does not believe it either: a list that was never uploaded.
    text = document.read_text() + ("names_lists:\n  %s: {digest: %s, names: 5}\n"
                                   % (FILE, "ab" * 32))
    answer = world.leader_api().post("/v1/apply", {"document": text})
    assert answer.status == 400 and "not in the store" in answer.error["message"], answer
