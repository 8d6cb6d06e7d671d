"""Comparing answers: what two of the peers agree on is the expectation; what Tandem says otherwise is
an error or one of the named rules below, each of which stands in docs/interop.md with its reason."""

import socket
import struct
from collections import Counter, namedtuple

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from . import dns as asking
from .peers import ADDRESS

UDP_BYTES_MAX = 1232
LIMIT_S = 3
LINKS_MAX = 9  # of a chain of CNAMEs that Tandem gives

Question = namedtuple("Question", "name kind cls payload do tcp")
# Sections are frozensets of texts. `bytes`: of the message.
Answer = namedtuple("Answer", "rcode aa tc answer authority additional bytes")


class Line:
    """One server, over UDP and TCP."""

    def __init__(self, port):
        self.port = port
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.settimeout(LIMIT_S)
        self._udp.connect((ADDRESS, port))

    def close(self):
        self._udp.close()

    def _stream(self, wire):
        with socket.create_connection((ADDRESS, self.port), LIMIT_S) as stream:
            stream.sendall(struct.pack(">H", len(wire)) + wire)
            data = b""
            while len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
                part = stream.recv(65536)
                if not part:
                    raise OSError("closed in the middle of an answer")
                data += part
            return data[2:]

    def ask(self, question, tcp=False):
        """An Answer; None: silence."""
        query = dns.message.make_query(question.name, question.kind, question.cls,
                                       use_edns=0 if question.payload else -1,
                                       payload=question.payload or 512,
                                       want_dnssec=question.do)
        query.flags &= ~dns.flags.RD
        wire = query.to_wire()
        try:
            if tcp or question.tcp:
                data = self._stream(wire)
            else:
                self._udp.send(wire)
                data = self._udp.recv(65536)
                while data[:2] != wire[:2]:
                    data = self._udp.recv(65536)
        except OSError:
            return None
        return _read(data)


def _section(rrsets):
    found = set()
    for rrset in rrsets:
        for rdata in rrset:
            octets = rdata.to_digestable()  # names in lower case
            found.add(f"{str(rrset.name).lower()} {rrset.ttl} {asking.kind_of(rrset)} "
                      f"{octets.hex()}")
    return frozenset(found)


def _read(data):
    message = dns.message.from_wire(data, ignore_trailing=False)
    return Answer(dns.rcode.to_text(message.rcode()), bool(message.flags & dns.flags.AA),
                  bool(message.flags & dns.flags.TC), _section(message.answer),
                  _section(message.authority), _section(message.additional), len(data))


def kinds(section):
    return {record.split()[2] for record in section}


def is_proof(record):
    """An NSEC or its signature."""
    _, _, kind, octets = record.split()
    return kind == "NSEC" or (kind == "RRSIG" and int(octets[:4], 16) == dns.rdatatype.NSEC)


def plain(answer):
    """Without what nobody needs: authority and additional of a positive, authoritative answer, but
    for the proof that nothing comes before a wildcard."""
    if answer and answer.aa and answer.answer and "SOA" not in kinds(answer.authority):
        answer = answer._replace(authority=frozenset(filter(is_proof, answer.authority)),
                                 additional=frozenset())
    return answer and answer._replace(bytes=0, tc=False)


# ---- the named rules: do they explain that Tandem's plain answer is not the expected one? ----

def rule_any(question, ours, theirs, _zone):
    """ANY gets one RRset, the least that is true."""
    return (question.kind == "ANY" and ours.rcode == theirs.rcode and ours.answer <= theirs.answer
            and bool(ours.answer))


def rule_long_chain(_question, ours, theirs, _zone):
    """Nine links of a chain, true each; the rest is the resolver's to ask for."""
    chain = [r for r in ours.answer if r.split()[2] == "CNAME"]
    return (len(chain) >= LINKS_MAX and ours.rcode == "NOERROR" and ours.aa
            and not ours.authority and (ours.answer <= theirs.answer or theirs.rcode == "SERVFAIL"
                                        or theirs.answer <= ours.answer))


def rule_nsec_at_alias(question, ours, theirs, _zone):
    """In a zone without signatures NSEC and RRSIG are types like any: a CNAME is followed."""
    return (question.kind in ("NSEC", "RRSIG") and "CNAME" in kinds(ours.answer)
            and not theirs.answer)


def rule_wildcard_glue(_question, ours, theirs, zone):
    """Addresses that only a wildcard gives to a name server are no glue: the resolver can ask."""
    more = theirs.additional - ours.additional
    return (not ours.aa and ours._replace(additional=theirs.additional) == theirs and bool(more)
            and not any(zone.has(record.split()[0]) for record in more))


def rule_some_signatures(question, ours, theirs, _zone):
    """RRSIG asked for by its type gets those of one RRset, as ANY does."""
    return (question.kind == "RRSIG" and ours.rcode == theirs.rcode and bool(ours.answer)
            and ours.answer < theirs.answer)


def rule_nsec_of_wildcard(question, ours, theirs, zone):
    """The NSEC of a wildcard is not made up for the names that it covers (RFC 4592 section 4.7):
    they have none, and a wildcard's CNAME is followed."""
    return (question.kind == "NSEC" and not zone.has(question.name.lower()) and ours.rcode == "NOERROR"
            and (not ours.answer or "CNAME" in kinds(ours.answer))
            and bool(theirs.answer) and kinds(theirs.answer) <= {"NSEC", "RRSIG"})


def rule_addresses_unsigned(question, ours, theirs, zone):
    """Addresses that go with a referral come without signatures, though RFC 4035 3.1.1 wants them."""
    bare = theirs._replace(additional=frozenset(
        record for record in theirs.additional if record.split()[2] != "RRSIG"))
    return not ours.aa and bare != theirs and (
        ours == bare or rule_wildcard_glue(question, ours, bare, zone))


def rule_sibling_glue(question, ours, theirs, _zone):
    """Addresses of name servers outside the delegation are given while there is room: proofs take
    it, and servers differ in how much they leave."""
    cuts = {record.split()[0] for record in ours.authority if record.split()[2] == "NS"}
    bare = theirs._replace(additional=frozenset(
        record for record in theirs.additional if record.split()[2] != "RRSIG"))
    differ = ours.additional ^ bare.additional
    return (question.do and not ours.aa and len(cuts) == 1 and bool(differ)
            and ours._replace(additional=bare.additional) == bare
            and not any(f".{record.split()[0]}".endswith(f".{cut}")
                        for record in differ for cut in cuts))


RULES = {"sibling glue": rule_sibling_glue, "addresses unsigned": rule_addresses_unsigned,
         "some signatures": rule_some_signatures, "nsec of wildcard": rule_nsec_of_wildcard,
         "wildcard glue": rule_wildcard_glue, "any": rule_any, "long chain": rule_long_chain,
         "nsec at alias": rule_nsec_at_alias}


class Comparison:
    """Asks all servers and counts; `wrong` has a text for each answer nothing explains."""

    def __init__(self, ports):
        self.lines = {name: Line(port) for name, port in ports.items()}
        self.asked = 0
        self.explained = Counter()
        self.differs = Counter()  # peers, from the expectation
        self.undecided = 0
        self.wrong = []

    def close(self):
        for line in self.lines.values():
            line.close()

    def _whole(self, name, question):
        """The answer; asked again over TCP where it was cut."""
        answer = self.lines[name].ask(question)
        if answer and answer.tc:
            answer = self.lines[name].ask(question, tcp=True)
        return answer

    def _check_cut(self, question):
        """Tandem's TC says that the whole would not fit, and nothing else."""
        answer = self.lines["tandem"].ask(question)
        if question.tcp or answer is None or not answer.tc:
            return None
        whole = self.lines["tandem"].ask(question, tcp=True)
        limit = min(max(question.payload or 512, 512), UDP_BYTES_MAX)
        if answer.answer or whole is None or whole.bytes <= limit:
            return f"cut for no reason: {answer}, over TCP {whole}"
        return None

    def ask(self, question, zone):
        """`zone`: what the question is about, as generated."""
        self.asked += 1
        answers = {name: self._whole(name, question) for name in self.lines}
        ours = plain(answers.pop("tandem"))
        theirs = {name: plain(answer) for name, answer in answers.items()}
        cut = self._check_cut(question)
        if cut:
            self.wrong.append(f"{question}: {cut}")
        expected, votes = Counter(theirs.values()).most_common(1)[0]
        if votes < 2:
            self.undecided += 1
            if ours in theirs.values():
                return
        else:
            self.differs.update(name for name, answer in theirs.items() if answer != expected)
            if ours == expected:
                return
        for name, rule in RULES.items():
            if ours and any(rule(question, ours, a, zone) for a in theirs.values() if a):
                self.explained[name] += 1
                return
        self.wrong.append(describe(question, ours, theirs))


def describe(question, ours, theirs):
    lines = [str(question)]
    for name, answer in {"tandem": ours, **theirs}.items():
        if answer is None:
            lines.append(f"  {name}: silence")
            continue
        lines.append(f"  {name}: {answer.rcode}{' aa' if answer.aa else ''}")
        for title in ("answer", "authority", "additional"):
            for record in sorted(getattr(answer, title)):
                lines.append(f"    {title[:4]} {record[:110]}")
    return "\n".join(lines)
