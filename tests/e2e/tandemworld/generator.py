"""Zones and questions out of a seed, for comparing name servers: same seed, same zone.

What is drawn are the odd corners: wildcards, empty non-terminals, chains and circles of CNAMEs, DNAMEs,
delegations with all kinds of glue, names hidden below them, large RRsets, mixed case, escapes. Only what
every server can load: nothing below a DNAME, nothing beside a CNAME, no NS at a wildcard.
"""

import random
import string

TYPES = ("A", "AAAA", "MX", "TXT", "SRV", "CAA", "PTR", "NAPTR", "SSHFP", "TLSA", "HINFO",
         "TYPE65400")
QUESTION_TYPES = (*TYPES, "NS", "SOA", "CNAME", "DNAME", "DS", "DNSKEY", "NSEC", "RRSIG", "TYPE4711",
                  "MAILB", "TYPE0", "TYPE65535")
OUTSIDE = "outside.example.net."
LONG = 215  # of a relative name: leaves room for a label before and the zone behind


class Zone:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.name = f"z{seed}.example."
        self.owners = {}  # relative owner, lower case -> kind: "data", "cname", "dname", "cut"
        self.lines = []
        self.ttls = {}  # (owner, type) -> seconds: all records of a set have the same
        self.labels = self._labels()
        self._generate()

    def _labels(self):
        """A small set, so that names meet."""
        pick = self.random
        labels = list("abcde") + ["MiXed", "_tcp", "xn--bcher-kva", "0", "*", "a-b"]
        labels += ["".join(pick.choices(string.ascii_lowercase, k=k)) for k in (2, 7, 20, 63)]
        labels += [r"a\.b", r"\032", r"\200x", r"\000", r"A\@B"]
        return labels

    def _label(self, wild=False):
        label = self.random.choice(self.labels)
        return label if wild or label != "*" else "w"

    def _name(self):
        """A relative name whose first label may be a star."""
        depth = self.random.choice((1, 1, 1, 2, 2, 3, 4))
        name = ".".join([self._label(wild=True)] + [self._label() for _ in range(depth - 1)])
        return name if self.random.random() > 0.03 else f"{name}.{'.'.join(['l' * 50] * 3)}"

    def _is_free(self, owner, kind):
        owner = owner.lower()
        if len(owner) > LONG:
            return False
        if kind != "data" and owner in self.owners or owner == "":
            return False
        if self.owners.get(owner, "data") != "data" and kind == "data":
            return False
        if kind == "dname" and any(o.endswith("." + owner) for o in self.owners):
            return False
        return not any(k == "dname" and owner.endswith("." + o) for o, k in self.owners.items())

    def _target(self):
        """Where something points: a name that is there, that may not be there, or outside."""
        kind = self.random.random()
        if kind < 0.55 and self.owners:
            name = self.random.choice(sorted(self.owners)).replace("*", self._label())
        elif kind < 0.85:
            name = self._name()
        else:
            return OUTSIDE
        if len(name) > LONG:
            return OUTSIDE
        return f"{name}.{self.name}" if self.random.random() < 0.5 else name

    def _rdata(self, kind):
        pick = self.random
        number = pick.randrange
        return {
            "A": lambda: f"192.0.2.{number(256)}",
            "AAAA": lambda: f"2001:db8::{number(65536):x}",
            "MX": lambda: f"{number(100)} {self._target()}",
            "TXT": lambda: " ".join(f'"{"t" * number(60)}"' for _ in range(1 + number(3))),
            "SRV": lambda: f"{number(9)} {number(9)} {number(65536)} {self._target()}",
            "CAA": lambda: '0 issue "ca.example"',
            "PTR": self._target,
            "NS": self._target,
            "NAPTR": lambda: f'{number(9)} {number(9)} "u" "sip" "!^.*$!x!" .',
            "SSHFP": lambda: f"4 2 {number(1 << 64):064x}",
            "TLSA": lambda: f"3 1 1 {number(1 << 64):064x}",
            "HINFO": lambda: '"cpu" "os"',
            "TYPE65400": lambda: rf"\# 3 {number(1 << 24):06x}",
            "DS": lambda: f"{number(65536)} 13 2 {number(1 << 64):064x}",
        }[kind]()

    def _add(self, owner, kind, rdata, ttl=300):
        shown = "".join(c.upper() if self.random.random() < 0.1 else c for c in owner) \
            if "\\" not in owner else owner
        self.lines.append(f"{shown or '@'} {ttl} {kind} {rdata}")

    def _add_set(self, owner, kind, count=1):
        ttl = self.ttls.setdefault((owner.lower(), kind), self.random.choice((300, 0, 60, 86400)))
        for rdata in sorted({self._rdata(kind) for _ in range(count)}):
            self._add(owner, kind, rdata, ttl)

    def _data(self, owner):
        self.owners[owner.lower()] = "data"
        for kind in self.random.sample(TYPES, self.random.choice((1, 1, 2, 4))):
            large = self.random.random() < 0.06
            self._add_set(owner, kind, self.random.randrange(20, 90) if large
                          else self.random.choice((1, 1, 2, 3)))

    def _cut(self, owner):
        self.owners[owner.lower()] = "cut"
        pick = self.random
        for i in range(pick.choice((1, 1, 2, 3))):
            kind = pick.random()
            if kind < 0.45:  # glue below itself
                server = f"ns{i}.{owner}"
                self._add(owner, "NS", server)
                if pick.random() < 0.85:
                    self._add_set(server, pick.choice(("A", "AAAA")), pick.choice((1, 2)))
                    self.owners[server.lower()] = "data"
            elif kind < 0.8:
                self._add(owner, "NS", self._target())
            else:
                self._add(owner, "NS", OUTSIDE)
        if pick.random() < 0.3:
            self._add_set(owner, "DS", 2)
        if pick.random() < 0.3:  # hidden: occluded by the delegation
            hidden = f"hidden.{owner}"
            if self._is_free(hidden, "data"):
                self._data(hidden)

    def _generate(self):
        pick = self.random
        self._add("", "SOA", "ns1 hostmaster 7 3600 900 604800 60")
        for server in ("ns1", "ns2"):
            self._add("", "NS", server)
            self._add(server, "A", f"192.0.2.{pick.randrange(256)}")
            self.owners[server] = "data"
        for kind in pick.sample(TYPES, 3):
            self._add_set("", kind)
        for _ in range(70):
            owner = self._name()
            kind = pick.choices(("data", "cname", "dname", "cut"), (10, 6, 1.5, 3))[0]
            if owner.startswith("*") and kind in ("cut", "dname"):
                kind = "data"
            if not self._is_free(owner, kind):
                continue
            if kind == "cname":
                self.owners[owner.lower()] = kind
                self._add(owner, "CNAME", self._target())
            elif kind == "dname":
                self.owners[owner.lower()] = kind
                self._add(owner, "DNAME", self._target())
            else:
                getattr(self, f"_{kind}")(owner)
        self._chain(pick.choice((3, 9, 14)))

    def _chain(self, links):
        for i in range(links):
            self._add(f"chain{i}", "CNAME", f"chain{i + 1}")
            self.owners[f"chain{i}"] = "cname"
        self._add_set(f"chain{links}", "A")

    def has(self, name):
        """Does this name (absolute, lower case) have records of its own?"""
        return name.removesuffix("." + self.name) in self.owners

    def text(self):
        return "$TTL 300\n" + "\n".join(self.lines) + "\n"

    def questions(self, count):
        """(name, type, class) of existing names, near misses, and what is not there at all."""
        pick = self.random
        owners = ["", *sorted(self.owners)]
        for _ in range(count):
            name = pick.choice(owners)
            how = pick.random()
            if how < 0.15:
                name = f"{self._label()}.{name}"  # one below
            elif how < 0.25 and "." in name:
                name = name.partition(".")[2]  # one above, perhaps an empty non-terminal
            elif how < 0.35:
                name = f"{pick.choice(('q', self._label()))}.{name.partition('.')[2]}"  # beside
            elif how < 0.42:
                name = self._name()
            elif how < 0.5:
                name = f"x.y.{name}"
            name = name.strip(".")
            if pick.random() < 0.2 and "\\" not in name:
                name = "".join(pick.choice((c.upper(), c)) for c in name)
            whole = f"{name}.{self.name}" if name else self.name
            if pick.random() < 0.02:
                whole = pick.choice((OUTSIDE, ".", "example.", f"x{self.name}"))
            if len(whole) > 250:
                continue
            kind = pick.choice(QUESTION_TYPES)
            if pick.random() < 0.3:
                kind = "A"
            yield whole, kind, "CH" if pick.random() < 0.01 else "IN"
