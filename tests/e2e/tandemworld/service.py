"""The service document of the local world: the real service's names on loopback addresses."""

from .sites import FRA, HTTPS_PORT, MUC, SMTP_PORT

ZONE = "retarus.com"
NAME = "mail-de.retarus.com"
MX_NAMES = [f"mx-{number:08d}.mail.eu.retarus.com" for number in range(26757099, 26757104)]
POOL = "mail-de"

INTERVAL_MS, TIMEOUT_MS, FALL, RISE = 200, 400, 3, 2

_DOCUMENT = """\
# The local world's service: what `make run` applies to its controllers.
title: Tandem's local world
regions: [eu-de]
sites:
  muc: {{region: eu-de}}
  fra: {{region: eu-de}}
  witness: {{witness: true}}
zones:
  - name: {zone}
    ttl: 300s
    soa: {{mname: ns1.{zone}, rname: hostmaster.{zone}}}
    records:
      - "@ NS ns1.{zone}."
      - "@ NS ns2.{zone}."
      - "ns1 A {muc_dns}"
      - "ns2 A {fra_dns}"
      - "@ MX 10 {name}."
      - '@ TXT "v=spf1 include:_spf.{zone} ~all"'
      - '_spf TXT "v=spf1 ip4:{muc_mail} ip4:{fra_mail} ~all"'
pools:
  {pool}:
    region: eu-de
    ttl: 30s
    members:
{members}
    checks:
      - {{name: smtp, type: smtp, port: {smtp_port}, {starttls}interval: {interval}ms,
         timeout: {timeout}ms, fall: {fall}, rise: {rise}}}
      - {{name: https, type: https, port: {https_port}, path: /rest/v2/health, host: {name},
         tls_name: {name}, tls_ca: {mail_ca}, interval: {interval}ms, timeout: {timeout}ms,
         fall: {fall}, rise: {rise}}}
names:
{names}
"""


def document(mail_ca, starttls=True, members=(MUC, FRA), names=None):
    """The document's text. starttls False: for smtp-sink, which cannot."""
    tls = f"starttls: true, tls_name: {NAME}, tls_ca: {mail_ca}, " if starttls else ""
    lines = [f"      - {{address: {site.mail}, site: {site.name}}}" for site in members]
    owners = [NAME, *MX_NAMES] if names is None else names
    return _DOCUMENT.format(
        zone=ZONE, name=NAME, pool=POOL, muc_dns=MUC.dns, fra_dns=FRA.dns, muc_mail=MUC.mail,
        fra_mail=FRA.mail, members="\n".join(lines), starttls=tls, smtp_port=SMTP_PORT,
        https_port=HTTPS_PORT, mail_ca=mail_ca, interval=INTERVAL_MS, timeout=TIMEOUT_MS,
        fall=FALL, rise=RISE,
        names="\n".join(f"  {owner}: {{pool: {POOL}}}" for owner in owners))
