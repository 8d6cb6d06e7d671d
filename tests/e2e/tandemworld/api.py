"""The controllers' HTTPS API as a program of one's own would use it, with a chosen certificate."""

import http.client
import json
import ssl
import time
from urllib.parse import urlsplit


class Answer:
    def __init__(self, status, body, headers):
        self.status, self.text, self.headers = status, body.decode(errors="replace"), headers

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self):
        """The error object of a refusal."""
        return self.json["error"]

    def __repr__(self):
        return f"<{self.status} {self.text[:300]}>"


def context(ca, certificate=None, key=None):
    made = ssl.create_default_context(cafile=str(ca))
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    if certificate:
        made.load_cert_chain(str(certificate), str(key))
    return made


class Api:
    """One controller, one identity."""

    def __init__(self, url, ca, certificate=None, key=None, limit_s=6):
        parts = urlsplit(url)
        self.host, self.port, self.limit_s = parts.hostname, parts.port, limit_s
        self.context = context(ca, certificate, key)

    def connect(self):
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.limit_s,
                                                 context=self.context)
        connection.connect()
        return connection

    def call(self, method, path, body=None, raw=None):
        """One request on a connection of its own. raw: bytes sent as they are."""
        connection = self.connect()
        try:
            data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers)
        finally:
            connection.close()

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, raw=None):
        return self.call("POST", path, body, raw)

    def try_status(self):
        """The status object, or None when the controller is not there."""
        try:
            answer = self.get("/v1/status")
            return answer.json if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def post_and_watch(self, path, body, watch):
        """Sends a request on a connection that stands already, and calls watch() while it works.

        Returns (moment before sending, what watch returned, the answer).
        """
        connection = self.connect()
        try:
            # The first use of a connection pays for the handshake; that is not what is measured.
            connection.request("GET", "/v1/health")
            connection.getresponse().read()
            moment = time.monotonic()
            connection.request("POST", path, json.dumps(body).encode(),
                               {"Content-Type": "application/json"})
            seen = watch()
            answer = connection.getresponse()
            return moment, seen, Answer(answer.status, answer.read(), answer.headers)
        finally:
            connection.close()
