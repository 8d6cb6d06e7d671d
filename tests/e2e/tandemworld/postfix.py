"""A mail server per site: a real Postfix in folders of its own, away from the distribution's.

Postfix's master runs only as root. Without root, Postfix's own test server smtp-sink stands in: it
speaks SMTP but not STARTTLS, and `kind` says so.
"""

import os
import re
import shutil
from pathlib import Path

from .processes import need_program, run, tail, until
from .sites import SMTP_PORT, listens

MAIN_CF = """\
# The mail server of site {site} in Tandem's local world; made by tests/e2e.
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log/maillog
maillog_file_prefixes = {folder}
myhostname = mail-de.retarus.com
mydestination = localhost
local_recipient_maps =
local_transport = discard:
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = discard:
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_loglevel = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtputf8_enable = no
max_use = 1000000
max_idle = 3600s
"""

MASTER_CF = """\
# service type private unpriv chroot wakeup maxproc command
{address}:{port} inet n - n - 20 smtpd
pickup   unix n - n 60   1 pickup
cleanup  unix n - n -    0 cleanup
qmgr     unix n - n 300  1 qmgr
tlsmgr   unix - - n 1000? 1 tlsmgr
rewrite  unix - - n -    - trivial-rewrite
bounce   unix - - n -    0 bounce
defer    unix - - n -    0 bounce
trace    unix - - n -    0 bounce
flush    unix n - n 1000? 0 flush
proxymap unix - - n -    - proxymap
showq    unix n - n -    - showq
error    unix - - n -    - error
retry    unix - - n -    - error
discard  unix - - n -    - discard
anvil    unix - - n -    1 anvil
postlog  unix-dgram n - n - 1 postlogd
"""


def can_run_postfix():
    return os.geteuid() == 0


class _Queues:
    """The folders that `postfix check` makes, with owners and rights. It starts a hundred programs for
    that, so it is run for the first mail server only, and the others get the same."""

    _known = None

    @classmethod
    def of(cls, folder):
        if cls._known:
            cls._known._make(folder / "spool")
        else:
            cls._known = cls(folder)
        return cls._known

    def __init__(self, folder):
        run(["/usr/sbin/postfix", "-c", folder / "etc", "check"], "postfix check")
        self.daemons = run(["/usr/sbin/postconf", "-c", folder / "etc", "-h", "daemon_directory"],
                           "asking Postfix for its folder").strip()
        spool = folder / "spool"
        self._folders = [(path.relative_to(spool), path.stat())
                         for path in sorted([spool, *spool.rglob("*")]) if path.is_dir()]

    def _make(self, spool):
        for path, like in self._folders:
            made = spool / path
            made.mkdir(exist_ok=True)
            os.chown(made, like.st_uid, like.st_gid)
            made.chmod(like.st_mode & 0o7777)


class MailServer:
    """Postfix (or smtp-sink) on the site's mail address. Starts, dies, hangs and comes back."""

    def __init__(self, processes, site, folder, certificate, key):
        self.site, self.folder = site, Path(folder)
        self._files = certificate, key
        self.kind = "postfix" if can_run_postfix() else "smtp-sink"
        command = self._postfix_command() if self.kind == "postfix" else self._sink_command()
        self.process = processes.add(f"mail-{site.name}", command)

    def _sink_command(self):
        # Without a site's certificate there is no STARTTLS; the rest of the conversation is real.
        return [need_program("smtp-sink", "postfix"), "-h", "mail-de.retarus.com",
                f"{self.site.mail}:{SMTP_PORT}", "128"]

    def _postfix_command(self):
        need_program("postfix", "postfix")
        for name in ("etc", "spool", "data", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        shutil.chown(self.folder / "data", "postfix")
        certificate, key = self._files
        values = {"site": self.site.name, "folder": self.folder, "address": self.site.mail,
                  "port": SMTP_PORT, "certificate": certificate, "key": key}
        for name, text in (("main.cf", MAIN_CF), ("master.cf", MASTER_CF)):
            (self.folder / "etc" / name).write_text(text.format(**values))
        queues = _Queues.of(self.folder)
        # As our own child; "postfix start-fg" would put a shell in between.
        return [f"{queues.daemons}/master", "-c", self.folder / "etc", "-s"]

    def start(self):
        # After kill -9 the old master's lock stays behind as a file, without the lock.
        self.process.start()
        until(self._ready, 15, self._why_not, 0.01)

    def _ready(self):
        return self.process.died or listens(self.site.mail, SMTP_PORT)

    def _why_not(self):
        return f"the mail server of {self.site.name} does not listen:\n{self.logs()}"

    def logs(self):
        return tail(self.process.log_path) + "\n" + tail(self.folder / "log" / "maillog")

    def kill(self):
        return self.process.kill()

    def hang(self):
        return self.process.stop()

    def resume(self):
        return self.process.resume()

    def crash_lines(self):
        """Lines of Postfix's log that tell of trouble of its own; for a failing test's report."""
        try:
            text = (self.folder / "log" / "maillog").read_text(errors="replace")
        except OSError:
            return []
        return re.findall(r"^.*(?:fatal|panic):.*$", text, re.MULTILINE)
