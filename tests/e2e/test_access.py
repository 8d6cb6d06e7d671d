"""What does not belong is refused with a clear error, logged, and changes nothing."""

import http.client
import json
import socket
import ssl
import subprocess

import pytest

from tandemworld import dns, service
from tandemworld.api import Api
from tandemworld.pki import TandemAuthority
from tandemworld.processes import until
from tandemworld.sites import API_PORT, FRA, MAIL_ADDRESSES, MUC

DRAIN = {"site": MUC.name, "for_ms": 60000, "reason": "must not happen"}


class Unchanged:
    """Epoch, revision, drains and answers before and after."""

    def __init__(self, world):
        self.world = world

    def _facts(self):
        status = self.world.status()
        return (status["epoch"], status["revision"], status["drains"],
                [dns.rrset(server, service.NAME, "A") for server in self.world.dns_servers])

    def __enter__(self):
        self.before = self._facts()

    def __exit__(self, kind, *_):
        if kind is None:
            assert self._facts() == self.before


@pytest.fixture
def log(world):
    """Waits for a new line of the controller's log that has all the words."""
    path = world.controld[MUC.name].log_path
    start = path.stat().st_size

    def wait_for(*words):
        def found():
            with open(path, "rb") as text:
                text.seek(start)
                lines = text.read().decode(errors="replace").splitlines()
            return next((line for line in lines
                         if all(word.lower() in line.lower() for word in words)), None)
        return until(found, 5, lambda: f"no log line with {words}: "
                     + path.read_bytes()[start:].decode(errors="replace")[-3000:])
    return wait_for


def identity(world, name):
    return world.authority.folder / f"{name}.crt", world.authority.folder / f"{name}.key"


def refused_by_handshake(api, path="/v1/status"):
    """TLS 1.3 tells the client of a refused certificate only after the handshake."""
    try:
        answer = api.get(path)
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return True
    return answer.status in (401, 403)


def test_certificate_of_another_authority_is_refused(world, log, tmp_path):
    other = TandemAuthority(world.programs / "tandem", tmp_path / "other")
    files = other.issue("mallory", MUC.name, "operator")
    with Unchanged(world):
        api = Api(MUC.api, world.authority.ca, *files)
        assert refused_by_handshake(api)
        try:
            answer = api.post("/v1/drain", DRAIN)
            assert answer.status in (401, 403), answer
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            pass
        log("certificate")


def test_no_certificate_is_refused(world, log):
    with Unchanged(world):
        assert refused_by_handshake(Api(MUC.api, world.authority.ca))
        log("certificate")


def test_client_accepts_no_controller_of_another_authority(world, tmp_path):
    other = TandemAuthority(world.programs / "tandem", tmp_path / "other")
    files = other.issue("anna", MUC.name, "operator")
    path = tmp_path / "cli.yaml"
    path.write_text(f"controllers: [{MUC.api}]\n"
                    f"tls: {{ca: {other.ca}, certificate: {files[0]}, key: {files[1]}}}\n")
    done = subprocess.run(
        [world.programs / "tandem", "--config", path, "status"], capture_output=True, text=True,
        timeout=30, check=False)
    assert done.returncode != 0 and "certificate" in done.stderr.lower(), done


def test_tls_1_2_is_refused(world):
    old = ssl.create_default_context(cafile=str(world.authority.ca))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.load_cert_chain(*map(str, world.operator_files))
    with socket.create_connection((MUC.control, API_PORT), 5) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(raw, server_hostname=MUC.control).close()


@pytest.mark.parametrize("name, method, path", (
    ("healthd-muc", "POST", "/v1/drain"), ("dnsd-muc", "POST", "/v1/drain"),
    ("dnsd-muc", "POST", "/v1/apply"), ("dnsd-muc", "POST", "/v1/observations"),
    ("healthd-muc", "POST", "/v1/acks"), ("healthd-muc", "GET", "/v1/config"),
    ("anna", "POST", "/v1/observations"), ("anna", "POST", "/v1/acks")))
def test_wrong_role_is_refused(world, log, name, method, path):
    with Unchanged(world):
        answer = Api(MUC.api, world.authority.ca, *identity(world, name)).call(
            method, path, DRAIN if method == "POST" else None)
        assert answer.status == 403, answer
        assert answer.error["code"] == "denied" and answer.error["message"]
        log(path)


def down_report(site, member_site):
    return {"version": 1, "site": site, "revision": 1, "results": [
        {"member": f"mail-de/{member_site.mail}", "check": "smtp", "ok": False, "streak": 99,
         "age_ms": 0, "latency_ms": 1, "detail": "an invention"}]}


def test_healthd_may_not_report_for_another_site(world, log):
    """Else one site's healthd could be two witnesses against another."""
    with Unchanged(world):
        api = Api(MUC.api, world.authority.ca, *identity(world, "healthd-muc"))
        answer = api.post("/v1/observations", down_report(FRA.name, FRA))
        assert answer.status == 403, answer
        assert FRA.name in answer.error["message"] and MUC.name in answer.error["message"]
        log("fra", "muc")
        vantages = world.member(FRA)["vantages"]
        assert all(v["says"] != "down" for v in vantages), vantages


def test_malformed_body_is_logged_with_its_sender(world, log):
    with Unchanged(world):
        assert world.api().post("/v1/drain", raw=b"{").status == 400
        log("refused", "anna", "JSON")


# The log keeps back lines when a peer causes many: what must be seen there comes before the storm.

def test_oversized_body_is_refused(world, log):
    with Unchanged(world):
        body = json.dumps({"document": "x" * (5 * 1024 * 1024)}).encode()
        try:
            answer = world.api().post("/v1/apply", raw=body)
            assert answer.status == 413, answer
            assert answer.error["code"] == "limit" and answer.error["message"]
        except (ConnectionError, ssl.SSLError):
            pass  # it may close while we still send; the log must tell
        log("/v1/apply")


@pytest.mark.parametrize("path", ("/v1/drain", "/v1/apply", "/v1/plan"))
@pytest.mark.parametrize("raw", (b"", b"{", b"[]", b"null", b"\xff\xfe{}", b'{"site":1}', b"[" * 5000,
                                 b'{"site":"muc","for_ms":-1,"reason":"x"}',
                                 b'{"site":"muc","for_ms":1e99,"reason":"x"}',
                                 b'{"site":"\\u0000","for_ms":60000,"reason":"x"}'),
                         ids=lambda raw: repr(raw[:24]))
def test_malformed_body_is_refused(world, path, raw):
    with Unchanged(world):
        answer = world.api().post(path, raw=raw)
        assert answer.status in (400, 404), answer
        assert answer.error["code"] and answer.error["message"]


@pytest.mark.parametrize("name, path", (("healthd-muc", "/v1/observations"),
                                        ("dnsd-muc", "/v1/acks")))
@pytest.mark.parametrize("raw", (b"", b"{", b"[]", b'{"version":1}', b'{"version":2}',
                                 b'{"version":1,"site":"muc","revision":1,"results":[{}]}',
                                 b'{"version":1,"site":"muc","revision":1,"results":'
                                 b'[{"member":"x","check":"y","ok":"no","streak":-1}]}'),
                         ids=lambda raw: repr(raw[:40]))
def test_malformed_report_is_refused(world, name, path, raw):
    with Unchanged(world):
        answer = Api(MUC.api, world.authority.ca, *identity(world, name)).post(path, raw=raw)
        assert answer.status == 400, answer
        assert answer.error["message"]


def test_too_many_results_are_refused(world):
    report = down_report(MUC.name, MUC)
    report["results"] *= 5000
    with Unchanged(world):
        answer = Api(MUC.api, world.authority.ca, *identity(world, "healthd-muc")).post(
            "/v1/observations", report)
        assert answer.status in (400, 413), answer


@pytest.mark.parametrize("path", ("/", "/v1", "/v1/nothing", "/v1/drain/../status", "/v1/%00",
                                  "/v1/explain/", "/v1/explain/" + "x" * 3000))
def test_unknown_path_is_answered_with_an_error_object(world, path):
    with Unchanged(world):
        answer = world.api().get(path)
        assert answer.status in (400, 404, 405, 414, 431), answer


def test_half_a_request_does_not_hold_the_others_up(world):
    """Slow and silent clients, with and without a handshake."""
    with Unchanged(world):
        raw = [socket.create_connection((MUC.control, API_PORT), 5) for _ in range(20)]
        half = [world.api().connect() for _ in range(10)]
        for connection in half:
            connection.sock.sendall(b"POST /v1/drain HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        assert world.api().get("/v1/status").status == 200
        for connection in [*raw, *half]:
            connection.close()


def test_garbage_instead_of_tls_is_survived(world):
    with Unchanged(world):
        for data in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 500, b"\0" * 4096):
            with socket.create_connection((MUC.control, API_PORT), 5) as raw:
                raw.sendall(data)
    assert {r.split()[-1] for r in dns.rrset(MUC.dns, service.NAME, "A")[0]} == MAIL_ADDRESSES
