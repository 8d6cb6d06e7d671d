"""Certificates of the local world.

Tandem's own come from `tandem pki`, as an operator would make them. Those of the mail service and
of etcd come from authorities of their own: a client of etcd must not be a client of Tandem.
"""

from pathlib import Path

from .processes import run


class TandemAuthority:
    """A folder made by `tandem pki init`; certificates in it by `tandem pki issue`."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)
        if not (self.folder / "ca.crt").exists():
            run([program, "pki", "init", self.folder], "making the certificate authority")

    @property
    def ca(self):
        return self.folder / "ca.crt"

    def issue(self, name, site, role, addresses=()):
        """(certificate, key) of a daemon or, as operator, of a person; made once."""
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if not files[0].exists():
            command = [self.program, "pki", "issue", self.folder, "--name", name, "--site", site,
                       "--role", role]
            for address in addresses:
                command += ["--address", address]
            run(command, f"issuing the certificate of {name}")
        return files


class PlainAuthority:
    """A small authority made with openssl, for etcd and for the mail service."""

    def __init__(self, folder, title):
        self.folder, self.title = Path(folder), title
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self._key = self.folder / "ca.crt", self.folder / "ca.key"
        if not self.ca.exists():
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj",
                 f"/CN={title}", "-keyout", self._key, "-out", self.ca], f"making {title}")

    def issue(self, name, names=(), addresses=(), days=365, usage="serverAuth,clientAuth"):
        """(certificate, key) with those subject alternative names; made once."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if certificate.exists():
            return certificate, key
        alternatives = [f"DNS:{n}" for n in names] + [f"IP:{a}" for a in addresses]
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            f"extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n" +
            (f"subjectAltName={','.join(alternatives)}\n" if alternatives else ""))
        request = self.folder / f"{name}.csr"
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request], f"key of {name}")
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key,
             "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", certificate],
            f"certificate of {name}")
        request.unlink()
        extensions.unlink()
        return certificate, key
