"""The service document of the local world: the real service's names on loopback addresses."""

from .sites import FRA, HTTPS_PORT, MUC, SMTP_PORT

ZONE = "retarus.com"
NAME = "mail-de.retarus.com"
MX_NAMES = [f"mx-{number:08d}.mail.eu.retarus.com" for number in range(26757099, 26757104)]
POOL = "mail-de"

INTERVAL_MS, TIMEOUT_MS, FALL, RISE = 200, 400, 3, 2
TTL_S, SUSPECT_TTL_S = 30, 5
# The tests kill the same servers again and again, which rule 7 is there to slow down.
SLOWLY = {"removal_window": "0s", "return_after": "0s", "flap_half_life": "0s", "ramp": "0s",
          "return": "auto"}

_DOCUMENT = """\
# The local world's service: what `make run` applies to its controllers.
title: Tandem's local world
regions: [{{name: eu-de, removal_window: {removal_window}}}]
sites:
  muc: {{region: eu-de}}
  fra: {{region: eu-de}}
  witness: {{witness: true}}

checks:
  smtp:
    type: smtp
    port: {smtp_port}
    interval: {interval}ms
    timeout: {timeout}ms
    fall: {fall}
    rise: {rise}{starttls}
  https:
    type: https
    port: {https_port}
    path: /rest/v2/health
    host: {name}
    tls_name: {name}
    tls_ca: {mail_ca}
    interval: {interval}ms
    timeout: {timeout}ms
    fall: {fall}
    rise: {rise}

pools:
  {pool}:
    region: eu-de
    ttl: {ttl}s
    suspect_ttl: {suspect_ttl}s
    return: {return}
    return_after: {return_after}
    flap_half_life: {flap_half_life}
    ramp: {ramp}
    checks: [smtp, https]
    members:
      - {{site: muc, address: {muc_mail}}}
      - {{site: fra, address: {fra_mail}}}

zones:
  - name: {zone}
    ttl: 5m
    soa: {{rname: hostmaster.{zone}}}
    ns: [ns1.{zone}, ns2.{zone}]
    records:
      - ns1 A {muc_dns}
      - ns2 A {fra_dns}
      - '@ MX 10 mail-de'
      - '@ TXT "v=spf1 include:_spf.{zone} ~all"'
      - '_spf TXT "v=spf1 ip4:{muc_mail} ip4:{fra_mail} ~all"'

names:
{names}
"""

# Dedicated sending addresses of a customer (docs/sending.md). Nobody here asks for them outside, so
# they come as far as that.
PAIR = f"""
spf:
  _spf.general.{ZONE}: ["ip4:192.0.2.130", "ip4:198.51.100.130", "~all"]
pairs:
  - {{customer: "26757099", domains: [news.example.com], spf: _spf.general.{ZONE},
     addresses: {{muc: [192.0.2.130], fra: [198.51.100.130]}}}}
"""


def document(mail_ca, starttls=True, names=None, slowly=None):
    """The document's text. starttls False: for smtp-sink, which cannot; slowly: other options than
    those of SLOWLY."""
    tls = (f"\n    starttls: true\n    tls_name: {NAME}\n    tls_ca: {mail_ca}" if starttls else "")
    owners = [NAME, *MX_NAMES] if names is None else names
    return _DOCUMENT.format(
        zone=ZONE, name=NAME, pool=POOL, muc_dns=MUC.dns, fra_dns=FRA.dns, muc_mail=MUC.mail,
        fra_mail=FRA.mail, starttls=tls, smtp_port=SMTP_PORT, https_port=HTTPS_PORT,
        **SLOWLY | (slowly or {}), mail_ca=mail_ca, ttl=TTL_S, suspect_ttl=SUSPECT_TTL_S, interval=INTERVAL_MS, timeout=TIMEOUT_MS, fall=FALL, rise=RISE,
        names="\n".join(f"  {owner}: {POOL}" for owner in owners))
