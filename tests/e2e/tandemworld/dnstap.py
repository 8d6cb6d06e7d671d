"""Reads what fstrm_capture has written: Frame Streams, and dnstap's protocol buffers in them."""

import struct

_NAMES = {1: "type", 2: "family", 3: "protocol", 4: "asker", 5: "server", 6: "asker_port",
          7: "server_port", 8: "asked_s", 9: "asked_ns", 10: "query", 12: "answered_s",
          13: "answered_ns", 14: "response"}
AUTH_QUERY, AUTH_RESPONSE = 1, 2


def _varint(data, at):
    value = shift = 0
    while True:
        octet = data[at]
        at += 1
        value |= (octet & 0x7F) << shift
        shift += 7
        if not octet & 0x80:
            return value, at


def fields(data):
    """{field number: value} of one protocol buffer without repeated fields."""
    found, at = {}, 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        assert number not in found, f"field {number} twice"
        if kind == 0:
            found[number], at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            assert at + length <= len(data)
            found[number] = data[at:at + length]
            at += length
        else:
            assert kind == 5, f"wire type {kind}"
            found[number] = struct.unpack_from("<I", data, at)[0]
            at += 4
    return found


def frames(data):
    """The data frames of a file; control frames have an escape of four zeros before them."""
    at = 0
    while at + 4 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        at += 4
        if length == 0:
            at += 4 + struct.unpack_from(">I", data, at)[0]
        else:
            yield data[at:at + length]
            at += length


def messages(data):
    """One dictionary a dnstap message, with identity and version."""
    for frame in frames(data):
        outer = fields(frame)
        assert outer[15] == 1, "no message"
        yield {"identity": outer.get(1), "version": outer.get(2),
               **{_NAMES[number]: value for number, value in fields(outer[14]).items()}}
