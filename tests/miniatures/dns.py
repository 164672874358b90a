"""Wrong DNS answers, each made from the query's own bytes."""

from __future__ import annotations

from dns import flags, message, rcode, rrset


def another_address(query: bytes) -> bytes:
    """A wrong answer, well said."""
    answer = message.make_response(message.from_wire(query))
    answer.answer.append(rrset.from_text(answer.question[0].name, 30, "IN", "A", "192.0.2.66"))
    return answer.to_wire()


def truncated(query: bytes) -> bytes:
    """An answer that did not fit into its datagram."""
    answer = message.make_response(message.from_wire(query))
    answer.flags |= flags.TC
    return answer.to_wire()


def server_failure(query: bytes) -> bytes:
    """SERVFAIL."""
    answer = message.make_response(message.from_wire(query))
    answer.set_rcode(rcode.SERVFAIL)
    return answer.to_wire()


def to_another_query(query: bytes) -> bytes:
    """An answer to a query that nobody sent: its id is another one."""
    wire = another_address(query)
    return bytes([wire[0] ^ 0xFF, wire[1] ^ 0xFF]) + wire[2:]


def nowhere(query: bytes) -> bytes:
    """NXDOMAIN, with the zone's SOA record that says for how long."""
    answer = message.make_response(message.from_wire(query))
    answer.set_rcode(rcode.NXDOMAIN)
    answer.authority.append(rrset.from_text("example.", 30, "IN", "SOA", "ns.example. mail.example. 1 2 3 4 5"))
    return answer.to_wire()
