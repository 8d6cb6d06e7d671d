/* Zones, records and names that must be refused. */
#include "tests/unit/config/refusals.h"

static const struct refusal zones[] = {
    {SITES ZONE "  records:\n"
                "  - 'www A 192.0.2.1 192.0.2.2'\n"
                "  - 'www A 192.0.2.300'\n"
                "  - 'www FOO 1'\n"
                "  - 'www'\n"
                "  - 'www A'\n"
                "  - 'MX 10 a'\n",
        "7:5: record: \"192.0.2.1 192.0.2.2\", expected the data of a record of type A (Syntax "
        "error, superfluous text present)\n"
        "8:5: record: \"192.0.2.300\", expected the data of a record of type A (Syntax error, "
        "could not parse the RR's rdata)\n"
        "9:5: record: type \"FOO\", expected a record type such as A, MX or TXT\n"
        "10:5: record: an owner alone, expected OWNER [TTL] TYPE DATA\n"
        "11:5: record: \"\", expected the data of a record of type A (Syntax error, value "
        "expected)\n"
        "12:5: record: \"\", expected the data of a record of type a (Syntax error, value "
        "expected)\n"},
    {SITES ZONE "  records:\n"
                "  - 'x.b.de. A 192.0.2.1'\n"
                "  - 'a.de A 192.0.2.1'\n"
                "  - 'www CNAME x.a.de'\n"
                "  - 'www..x A 192.0.2.1'\n",
        "7:5: record: owner x.b.de., expected a name in its zone a.de.\n"
        "8:5: record: a.de.a.de., which repeats its zone, expected a final dot behind an absolute "
        "name\n"
        "9:5: record: x.a.de.a.de., which repeats its zone, expected a final dot behind an "
        "absolute name\n"
        "10:5: record: owner: \"www..x.a.de.\" has a label of 0 bytes, expected 1 to 63\n"},
    {SITES ZONE "  records:\n"
                "  - 't TXT v=DMARC1; p=none'\n"
                "  - 't TXT \"a'\n"
                "  - 't TXT ( a )'\n"
                "  - ' A 192.0.2.1'\n"
                "  - '$INCLUDE x'\n"
                "  - '@ SOA a b 1 2 3 4 5'\n"
                "  - 't CH TXT a'\n",
        "7:5: record: a comment, expected a record alone (a text with ; needs quotes)\n"
        "8:5: record: a quote that is not closed, expected its end\n"
        "9:5: record: a parenthesis, expected the whole record in one line\n"
        "10:5: record: a line that starts with a blank, expected an owner (@ for the zone itself)\n"
        "11:5: record: owner: \"$INCLUDE.a.de.\" has the byte \"$\", expected letters, digits, - "
        "and _\n"
        "12:5: record: a record of type SOA, expected the zone's soa\n"
        "13:5: record: type \"CH\", expected a record type such as A, MX or TXT\n"},
    {SITES ZONE "  records:\n"
                "  - 'm MX 99999 x.b.de.'\n"
                "  - 'm 99999999 A 192.0.2.1'\n"
                "  - 'm 5y A 192.0.2.1'\n"
                "  - 'm ANY x'\n"
                "  - 'm RRSIG x'\n"
                "  - 'm OPT x'\n",
        "7:5: record: the number \"99999\", expected less than 2^16\n"
        "8:5: record: TTL \"99999999\", expected 0 to 604800 seconds or such as 5m, 1h\n"
        "9:5: record: TTL \"5y\", expected 0 to 604800 seconds or such as 5m, 1h\n"
        "10:5: record: type \"ANY\", expected a record type such as A, MX or TXT\n"
        "11:5: record: a record of type RRSIG, expected none: Tandem signs\n"
        "12:5: record: type \"OPT\", expected a record type such as A, MX or TXT\n"},
    {SITES ZONE "  records:\n"
                "  - 'c CNAME x.b.de.'\n"
                "  - 'c A 192.0.2.1'\n"
                "  - 'c TXT x'\n"
                "  - '@ CNAME x.b.de.'\n"
                "  - 'd CNAME x.b.de.'\n"
                "  - 'd CNAME y.b.de.'\n",
        "7:5: record: CNAME at c.a.de. beside other records (line 8), expected it alone (RFC 1034 "
        "3.6.2)\n"
        "10:5: record: CNAME at a.de. beside other records (line 5), expected it alone (RFC 1034 "
        "3.6.2)\n"
        "12:5: record: a second CNAME at d.a.de., expected one (first in line 11)\n"},
    {SITES ZONE "  records:\n"
                "  - 'a A 192.0.2.1'\n"
                "  - 'a A 192.0.2.1'\n"
                "  - 'a 60 A 192.0.2.2'\n"
                "  - 's TXT \"v=spf1 -all\"'\n"
                "  - 's TXT \"v=spf1 ~all\"'\n",
        "8:5: record: a.a.de. A 192.0.2.1 again, expected it once (first in line 7)\n"
        "9:5: record: TTL 60 of a.a.de. A, expected 300 as in line 8: one set, one TTL (RFC 2181 "
        "5.2)\n"
        "11:5: record: a second SPF record at s.a.de., expected one (RFC 7208 4.5; first in line "
        "10)\n"},
    {SITES ZONE "  records:\n"
                "  - 'sub NS ns.sub'\n"
                "  - 'ns.sub A 192.0.2.1'\n"
                "  - 'sub TXT x'\n"
                "  - 'x.sub TXT x'\n"
                "  - 'sub2 NS ns.sub2'\n"
                "  - 'd DNAME x.b.de.'\n"
                "  - 'x.d A 192.0.2.1'\n"
                "  - '@ DS 1 8 2 00'\n",
        "9:5: record: TXT at the delegation sub.a.de., expected only NS, DS and glue there\n"
        "10:5: record: owner x.sub.a.de. lies below the NS of sub.a.de. (line 7), expected no data "
        "there\n"
        "11:5: record: NS leads to ns.sub2.a.de., which has no address here, expected a name that "
        "exists\n"
        "13:5: record: owner x.d.a.de. lies below the DNAME of d.a.de. (line 12), expected no data "
        "there\n"
        "14:5: record: DS at the zone's apex, expected it in the parent zone\n"},
    {SITES ZONE "  records:\n"
                "  - '@ MX 10 mail'\n"
                "  - '@ MX 20 al'\n"
                "  - 'al CNAME x.b.de.'\n"
                "  - 'c CNAME nothing'\n"
                "  - '_s._tcp SRV 0 0 1 nothing'\n"
                "  - 'w CNAME x.wild'\n"
                "  - '*.wild A 192.0.2.1'\n",
        "7:5: record: MX leads to mail.a.de., which has no address here, expected a name that "
        "exists\n"
        "8:5: record: MX leads to the alias al.a.de., expected a name with addresses (RFC 2181 "
        "10.3)\n"
        "10:5: record: CNAME leads to nothing.a.de., which has no data here, expected a name that "
        "exists\n"
        "11:5: record: SRV leads to nothing.a.de., which has no address here, expected a name that "
        "exists\n"},
    {SITES "zones:\n"
           "- {name: a.de}\n"
           "- {name: A.de., ns: [x.b.de]}\n"
           "- {name: b.a.de, ns: [x.b.de], records: ['x A 192.0.2.1']}\n"
           "- {ns: [a..b], ttl: 0s}\n"
           "- {name: c.de, ns: [n.c.de], records: [[x]]}\n",
        "5:10: zone a.de. again, expected it once (first in line 4)\n"
        "7:3: no name in this zone, expected name: a domain name\n"
        "7:9: ns: \"a..b\" has a label of 0 bytes, expected 1 to 63\n"
        "7:21: ttl: \"0s\" is out of range, expected a duration from 1s to 1w\n"
        "8:21: record: NS leads to n.c.de., which has no address here, expected a name that "
        "exists\n"
        "8:40: records: a list in the list, expected a record as in a zone file\n"},
    {SITES ZONE "  records:\n"
                "  - 'x.sub A 192.0.2.1'\n"
                "  - 'sub TXT a'\n"
                "  - 'sub NS ns.b.de.'\n"
                "- {name: sub.a.de, ns: [ns.b.de]}\n",
        "7:5: record: owner x.sub.a.de. lies in the zone sub.a.de., expected the record there\n"
        "8:5: record: owner sub.a.de. lies in the zone sub.a.de., expected the record there\n"},
};

static void wrong_records_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(zones);
}

static const struct refusal names[] = {
    {SITES GOOD_POOL ZONE "  records:\n"
                          "  - 's A 192.0.2.1'\n"
                          "  - 'c CNAME x.b.de.'\n"
                          "  - 'd NS x.b.de.'\n"
                          "names:\n"
                          "  s.a.de: p\n"
                          "  c.a.de: p\n"
                          "  x.d.a.de: p\n"
                          "  d.a.de: p\n"
                          "  x.b.de: p\n"
                          "  y.a.de: q\n"
                          "  Z.a.de: p\n"
                          "  z.a.de.: p\n"
                          "  -: p\n"
                          "  '*.a.de': p\n"
                          "  e.a.de: {ttl: 0s}\n"
                          "  f.a.de: {pool: p, ttl: 2d}\n"
                          "  g.a.de: [p]\n",
        "16:3: name s.a.de. has a static A record (line 12), expected none beside its pool\n"
        "17:3: name c.a.de. has a static CNAME record (line 13), expected none beside its pool\n"
        "18:3: name x.d.a.de. lies below the NS of d.a.de. (line 14), expected a name that this "
        "zone answers\n"
        "19:3: name d.a.de. has a static NS record (line 14), expected none beside its pool\n"
        "20:3: name x.b.de. in no zone of this document, expected a name in one of them\n"
        "21:11: unknown pool \"q\", expected p\n"
        "23:3: name z.a.de. again, expected it once (first in line 22)\n"
        "24:3: name -. in no zone of this document, expected a name in one of them\n"
        "25:3: name: \"*.a.de\" has the byte \"*\", expected letters, digits, - and _\n"
        "26:11: no pool in this name, expected pool: a word of 1 to 63 lower-case letters, digits "
        "and -\n"
        "26:17: ttl: \"0s\" is out of range, expected a duration from 1s to 1d\n"
        "27:26: ttl: \"2d\" is out of range, expected a duration from 1s to 1d\n"
        "28:11: pool: a list, expected a word of 1 to 63 lower-case letters, digits and -\n"},
    {SITES GOOD_POOL ZONE
        "names:\n"
        "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a.de: p\n"
        "  "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: p\n"
        "  ä.a.de: p\n",
        "12:3: name: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a.de\" has "
        "a label of 64 bytes, expected 1 to 63\n"
        "13:3: name: a name of 304 bytes, expected at most 253\n"
        "14:3: name: \"\\xc3\\xa4.a.de\" has the byte \"\\xc3\", expected letters, digits, - and _ "
        "(write an international name as xn--…)\n"},
};

static void wrong_names_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_records_are_refused),
	    cmocka_unit_test(wrong_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
