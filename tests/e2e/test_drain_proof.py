"""A drain is a measurement: real name servers, a real resolver and a source of traffic are asked."""

import contextlib
import http.server
import signal
import subprocess
import threading

import pytest
from tandemworld import dns, nameservers, service
from tandemworld.processes import until
from tandemworld.signed import anchor_of, keygen
from tandemworld.sites import DNS_PORT, FRA, MUC

RESOLVER, SOURCE = "127.40.0.53", "127.40.0.80"
RESOLVER_PORT, SOURCE_PORT = 5354, 8080
TTL_S = 2

MAINTENANCE = f"""
maintenance:
  quiet: 1s
  look_every: 300ms
  name_servers:
    muc: ["{MUC.dns}@{DNS_PORT}"]
    fra: ["{FRA.dns}@{DNS_PORT}"]
  resolvers:
    outside: {{endpoint: "{RESOLVER}@{RESOLVER_PORT}", ask: [{service.NAME}]}}
    absent: {{endpoint: "127.40.0.99@53", ask: [{service.NAME}], needed: false}}
  measures:
    smtp-muc:
      {{site: muc, url: "http://{SOURCE}:{SOURCE_PORT}/metrics", field: smtp_sessions, floor: 5,
       capacity: 100, interval: 500ms}}
    smtp-fra:
      {{site: fra, url: "http://{SOURCE}:{SOURCE_PORT}/json", format: json, field: smtp.open,
       sources: smtp.clients, capacity: 100, interval: 500ms}}
    queue-muc:
      {{site: muc, kind: queue, url: "http://{SOURCE}:{SOURCE_PORT}/metrics", field: queue_length,
       interval: 500ms}}
"""


class Source:
    """What agents will tell one day: sessions and queue, as a test sets them."""

    def __init__(self):
        self.sessions, self.queue = 0, 0
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = ('{"smtp":{"open":30,"clients":{"198.51.100.9":30}}}'
                        if self.path == "/json" else source.text())
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((SOURCE, SOURCE_PORT), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def text(self):
        return ("# TYPE smtp_sessions gauge\n"
                f'smtp_sessions{{client="198.51.100.7"}} {self.sessions}\n'
                f'smtp_sessions{{client="probe"}} 1\nqueue_length {self.queue}\n')

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def source():
    with contextlib.closing(Source()) as source:
        yield source


def start_resolver(world):
    folder = world.folder / "resolver"
    folder.mkdir()
    world.processes.add("resolver", nameservers.unbound(
        folder, (RESOLVER, RESOLVER_PORT),
        {service.ZONE: [(server, DNS_PORT) for server in world.dns_servers]})).start()


@pytest.fixture(scope="module")
def short_ttl():
    """From the beginning: a TTL lowered later would have to be waited for (tandem counts it)."""
    former = service.TTL_S, service.SUSPECT_TTL_S
    service.TTL_S, service.SUSPECT_TTL_S = TTL_S, 1
    yield
    service.TTL_S, service.SUSPECT_TTL_S = former


@pytest.fixture(scope="module")
def proven_world(short_ttl, module_world3, source):
    """The world with everything that a drain needs to be proven."""
    start_resolver(module_world3)
    document = module_world3.folder / "proven.yaml"
    document.write_text(module_world3.service_file.read_text() + MAINTENANCE)
    done = module_world3.tandem("apply", "-f", document)
    assert done.returncode == 0, done
    return module_world3


@pytest.fixture
def proven(proven_world, world3, source):
    source.sessions = source.queue = 0
    return proven_world


class Waiting:
    """tandem drain … --wait, line by line."""

    def __init__(self, world, *words):
        self.child = subprocess.Popen(
            world.command("drain", MUC.name, "--for", "1h", "--reason", "new disks", "--wait",
                          *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        self.lines.extend(self.child.stdout)  # line by line

    @property
    def text(self):
        return "".join(self.lines)

    def end(self, limit_s=30):
        code = self.child.wait(limit_s)
        self._thread.join()
        return code


def drain_of(world):
    return next((d for d in world.status()["drains"] if d["site"] == MUC.name), None)


def until_state(world, state, limit_s=20):
    until(lambda: (drain_of(world) or {}).get("state") == state, limit_s,
          lambda: f"not {state}: {drain_of(world)}", 0.05)


def test_drain_is_followed_step_by_step_until_it_is_safe(proven, source, figures):
    source.sessions = 40
    waiting = Waiting(proven)
    until_state(proven, "resolvers-agree")
    until(lambda: "198.51.100.7" in drain_of(proven)["text"], 5, "who still comes is not told")
    assert "smtp-muc is 41, above its floor of 5" in drain_of(proven)["text"]
    until(lambda: "advisory: absent can not be asked" in drain_of(proven)["text"], 10,
          lambda: f"the silent resolver is not told: {drain_of(proven)}")
    source.sessions = 2
    assert waiting.end() == 0, waiting.text
    told = waiting.text
    for word in ("published", "ttl-elapsed", "resolvers-agree", "quiet", "safe to work on muc"):
        assert word in told, told
    drain = drain_of(proven)
    assert drain["safe"] and drain["state"] == "safe"
    steps = {step["state"]: step for step in drain["steps"]}
    assert "2 name servers" in steps["published"]["evidence"]
    assert "outside (127.40.0.53@5354)" in steps["resolvers-agree"]["evidence"]
    history = proven.tandem("history", "--limit", "30").stdout
    assert "drain-safe" in history, history


def test_queue_holds_the_last_step_and_traffic_takes_it_back(proven, source):
    source.queue = 3
    assert proven.drain(MUC).returncode == 0
    until_state(proven, "quiet")
    assert "queue-muc is 3" in drain_of(proven)["text"]
    source.queue = 0
    until_state(proven, "safe")
    source.sessions = 100
    until_state(proven, "resolvers-agree")
    explained = proven.tandem("explain", MUC.name).stdout
    assert "smtp-muc is 101" in explained, explained


def test_plan_and_whatif_tell_what_falls_on_the_other_site(proven, source):
    source.sessions = 49
    until(lambda: any(look["subject"] == "smtp-muc" and look["text"].startswith("50")
                      for look in proven.status()["looks"]), 5, "the load is not read")
    serial = proven.serial()
    for words in (("plan", "drain", MUC.name), ("whatif", "site-down", MUC.name)):
        done = proven.tandem(*words)
        assert done.returncode == 0, done
        assert "80 of 100 that they can carry (80 %)" in " ".join(done.stdout.split()), done.stdout
        assert f"- {MUC.mail}" in done.stdout and "proven to work now" in done.stdout
    assert proven.serial() == serial and not proven.drained_sites()


def test_interrupt_leaves_the_drain_in_force_and_says_so(proven, source):
    source.sessions = 50
    waiting = Waiting(proven)
    until_state(proven, "resolvers-agree")
    until(lambda: "resolvers-agree" in waiting.text, 5, "the step is not told")
    waiting.child.send_signal(signal.SIGINT)
    assert waiting.end() == 6
    assert "not drained:" in waiting.text and "stays in force" in waiting.text, waiting.text
    assert proven.drained_sites() == {MUC.name}


def test_wait_that_runs_out_names_what_is_missing(proven, source):
    source.sessions = 50
    waiting = Waiting(proven, "--timeout", "6s")
    assert waiting.end() == 6
    assert "not drained: " in waiting.text and "smtp-muc" in waiting.text, waiting.text


def test_name_server_that_hangs_holds_the_drain(proven):
    proven.dnsd[FRA.name].stop()
    try:
        assert proven.drain(MUC).returncode == 0
        until(lambda: "dnsd-fra" in drain_of(proven)["text"], 10, "who is missing is not told")
        assert drain_of(proven)["state"] == "publishing"
    finally:
        proven.dnsd[FRA.name].resume()
    until_state(proven, "safe")


def test_wait_lives_through_the_death_of_the_leader(proven, source):
    source.sessions = 50
    waiting = Waiting(proven)
    until_state(proven, "resolvers-agree")
    proven.controld[proven.wait_for_leader()].kill()
    source.sessions = 0
    assert waiting.end() == 0, waiting.text
    assert "safe to work on muc" in waiting.text
    dns.wait_gone(MUC.mail, service.NAME)


@pytest.fixture
def signed(proven):
    """The name servers sign the zone. Returns what puts a document in force that asks for proof from
    the trust anchor of this key."""
    former = {process: process.configuration.read_text() for process in proven.dnsd.values()}
    document = proven.folder / "proven.yaml"
    keys = {}
    for name in ("own", "foreign"):
        folder = proven.folder / "keys" / name
        key = keygen(folder, service.ZONE)
        keys[name] = folder / "anchor"
        keys[name].write_text(anchor_of(folder, service.ZONE) + "\n")
        if name == "own":
            for process, text in former.items():
                process.configuration.write_text(
                    text + f"dnssec: [{{zone: {service.ZONE}, keys: [\"{key}\"]}}]\n")
                process.reload()
    for server in proven.dns_servers:
        until(lambda s=server: dns.ask(s, service.ZONE, "DNSKEY").answer, 5, "it is not signed")

    def trust(name):
        path = proven.folder / f"proven-by-{name}.yaml"
        path.write_text(document.read_text().replace("  measures:", (
            f"    signed: {{endpoint: \"{RESOLVER}@{RESOLVER_PORT}\", ask: [{service.NAME}], "
            f"validated: true, trust_anchor: {keys[name]}}}\n  measures:")))
        done = proven.tandem("apply", "-f", path)
        assert done.returncode == 0, done
    yield trust
    done = proven.tandem("apply", "-f", document)
    assert done.returncode == 0, done
    for process, text in former.items():
        process.configuration.write_text(text)
        process.reload()


def test_answers_outside_count_only_where_dnssec_proves_them(proven, signed):
    signed("own")
    assert proven.drain(MUC).returncode == 0
    until_state(proven, "safe")
    steps = {step["state"]: step for step in drain_of(proven)["steps"]}
    assert f"signed ({RESOLVER}@{RESOLVER_PORT}, DNSSEC)" in steps["resolvers-agree"]["evidence"], steps
    assert proven.undrain(MUC).returncode == 0
    dns.wait_back(MUC.mail, service.NAME)
    proven.wait_settled()
    # The same answers, but what they are signed with is not what is trusted.
    signed("foreign")
    assert proven.drain(MUC).returncode == 0
    until_state(proven, "ttl-elapsed")
    until(lambda: f"signed can not be asked for {service.NAME}. A: its answer is bogus"
          in drain_of(proven)["text"], 15, lambda: f"the answer is believed: {drain_of(proven)}")
    drain = drain_of(proven)
    assert drain["state"] == "ttl-elapsed" and not drain["safe"], drain
