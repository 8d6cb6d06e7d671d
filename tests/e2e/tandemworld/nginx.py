"""The REST endpoint of a site: a real nginx serving /rest/v2/health over HTTPS, as any user.

One process (master_process off): it hangs as a whole when stopped and leaves no worker behind.
"""

from pathlib import Path

from .processes import need_program, tail, until
from .sites import HTTPS_PORT, listens

CONFIGURATION = """\
# The HTTPS endpoint of site {site} in Tandem's local world; made by tests/e2e.
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp;
    proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp;
    scgi_temp_path {folder}/tmp;
    server {{
        listen {address}:{port} ssl;
        server_name mail-de.retarus.com;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location = /rest/v2/health {{
            default_type application/json;
            return 200 '{{"status":"ok","site":"{site}"}}\\n';
        }}
        location / {{ return 404; }}
    }}
}}
"""


class Endpoint:
    def __init__(self, processes, site, folder, certificate, key):
        self.site, self.folder = site, Path(folder)
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        path = self.folder / "nginx.conf"
        path.write_text(CONFIGURATION.format(
            site=site.name, folder=self.folder, address=site.mail, port=HTTPS_PORT,
            certificate=certificate, key=key))
        # -e: before it has read its configuration nginx would open the distribution's log.
        command = [need_program("nginx", "nginx-light"), "-e", self.folder / "error.log",
                   "-p", self.folder, "-c", path]
        self.process = processes.add(f"https-{site.name}", command)

    def start(self):
        self.process.start()
        until(lambda: self.process.died or listens(self.site.mail, HTTPS_PORT), 10,
              lambda: f"nginx of {self.site.name} does not listen:\n{self.logs()}", 0.01)

    def logs(self):
        return tail(self.process.log_path) + "\n" + tail(self.folder / "error.log")

    def kill(self):
        return self.process.kill()

    def hang(self):
        return self.process.stop()

    def resume(self):
        return self.process.resume()
