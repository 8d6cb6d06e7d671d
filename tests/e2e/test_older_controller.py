"""The operator's command in front of a controller of an earlier release: said in words, nothing done."""

import http.server
import json
import os
import socketserver
import subprocess
import threading

import pytest

from tandemworld.world import CHECKOUT

PROGRAM = CHECKOUT / os.environ.get("BUILD", "build") / "bin" / "tandem"
REFUSED = 1


class Older(http.server.BaseHTTPRequestHandler):
    """Leads, knows drains, and neither practice runs nor holds."""

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if self.path == "/v1/health":
            self.answer(200, {"ok": True})
        elif self.path == "/v1/status":
            self.answer(200, {"version": 1, "controller": {"role": "leader"}, "drains": []})
        else:
            self.answer(404, {"error": {"code": "not_found", "message": "no such path"}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        if self.path == "/v1/drain":
            self.answer(200, {"epoch": 1, "revision": 1, "text": ["fra is drained"]})
        else:
            self.answer(404, {"error": {"code": "not_found", "message": "no such path"}})

    def address_string(self):
        return "local"

    def log_message(self, *words):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def older(tmp_path):
    with Server(str(tmp_path / "s"), Older) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def tandem(server, *words):
    return subprocess.run([PROGRAM, "--socket", server.server_address, *words], check=False,
                          capture_output=True, text=True, timeout=30)


def test_a_practice_run_never_becomes_a_drain(older):
    done = tandem(older, "practice", "fra", "--for", "1h")
    assert done.returncode == REFUSED, done
    assert "does not know that command" in done.stderr and "nothing was changed" in done.stderr
    assert older.asked == [], "it would have drained the site"


def test_an_unknown_command_is_told_in_words(older):
    done = tandem(older, "hold", "all", "--for", "1h", "--reason", "night")
    assert done.returncode == REFUSED, done
    assert "upgrade it first" in done.stderr and "no such path" not in done.stderr, done.stderr
