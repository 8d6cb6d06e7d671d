"""People outrank automation: a hold keeps what is dead in the answers, loudly, until it ends; a pin
takes out what works (rule 8)."""

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import FRA, MUC


def member_id(site):
    return f"{service.POOL}/{site.mail}"


def test_hold_keeps_a_dead_member_in_until_it_is_released(world):
    done = world.tandem("hold", f"site/{MUC.name}", "--for", "1h", "--reason", "new core switch")
    assert done.returncode == 0, done
    told = world.tandem("status").stdout
    assert told.startswith("ATTENTION: anna stopped automation for site/muc until")
    assert "new core switch" in told
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        world.mail[MUC.name].kill()
        until(lambda: world.member(MUC)["verdict"] == "down", 10, "not concluded down")
        assert world.member(MUC)["stage"] == "kept"
        until(lambda: len(watch.looks()) > 100, 10, "too few answers")
    assert all(MUC.mail in look.addresses for look in watch.looks())
    explained = world.tandem("explain", MUC.name).stdout
    assert "anna stopped automation for site/muc" in explained
    assert world.tandem("release", f"site/{MUC.name}").returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)
    assert world.tandem("release", f"site/{MUC.name}").returncode != 0
    told = [e["action"] for e in world.api().get("/v1/history?limit=20").json["entries"]]
    assert "hold" in told and "release" in told and "removal-released" in told


def test_pin_takes_a_working_member_out_but_not_the_last(world):
    done = world.tandem("pin", member_id(MUC), "down", "--for", "1h", "--reason", "bounces")
    assert done.returncode == 0, done
    dns.wait_gone(MUC.mail, service.NAME)
    done = world.tandem("pin", member_id(FRA), "down", "--for", "1h", "--reason", "bounces too")
    assert done.returncode == 1 and "rule 3" in done.stderr, done
    assert world.tandem("unpin", member_id(MUC)).returncode == 0
    dns.wait_back(MUC.mail, service.NAME)


def test_declarations_need_terms(world):
    for words in (("hold", "all"), ("hold", "all", "--for", "1h"), ("hold", "--for", "1h",
                  "--reason", "x"), ("hold", "muc", "--for", "1h", "--reason", "x"),
                  ("hold", "all", "--for", "73h", "--reason", "x"), ("release", "all"),
                  ("pin", member_id(MUC), "--for", "1h", "--reason", "x"),
                  ("pin", member_id(MUC), "sideways", "--for", "1h", "--reason", "x"),
                  ("unpin", member_id(MUC))):
        done = world.tandem(*words)
        assert done.returncode != 0 and done.stderr.strip(), words
    assert world.status()["intents"] == []


def test_override_names_its_rule_is_recorded_and_shown_until_it_ends(world):
    """The other site is not proven: both outside vantages are silent for a moment."""
    vantages = [world.healthd[name] for name in ("fra", "witness")]
    for process in vantages:
        process.stop()
    until(lambda: world.member(FRA)["verdict"] == "unknown", 15, "still known")
    refused = world.drain(MUC, "rack on fire")
    assert refused.returncode == 1 and "--override unproven" in refused.stderr, refused
    refused = world.tandem("drain", MUC.name, "--for", "1h", "--override", "unproven")
    assert refused.returncode == 2 and "--reason" in refused.stderr, refused
    done = world.tandem("drain", MUC.name, "--for", "1h", "--reason", "rack on fire", "--override",
                        "unproven")
    assert done.returncode == 0 and "overridden, and recorded so: unproven" in done.stdout, done
    dns.wait_gone(MUC.mail, service.NAME)
    for process in vantages:
        process.resume()
    until(lambda: world.member(FRA)["verdict"] == "up", 15, "not heard again")
    told = world.tandem("status").stdout
    assert told.startswith("ATTENTION: anna overrides unproven with the drain of muc until"), told
    assert "anna overrides unproven" in world.tandem("explain", MUC.name).stdout
    assert "rack on fire" in world.tandem("history").stdout
    told = [e["action"] for e in world.api().get("/v1/history?limit=20").json["entries"]]
    assert "override" in told
    needless = world.tandem("undrain", MUC.name, "--reason", "habit", "--override", "owner")
    assert needless.returncode == 1 and "leave --override owner away" in needless.stderr, needless
    assert world.undrain(MUC).returncode == 0
    assert "overrides" not in world.tandem("status").stdout.split("\n")[0]
