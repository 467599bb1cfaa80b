"""Which addresses may be connected to: one of every special network, and its neighbours that are public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.address import refusal


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "this network"),
        ("0.1.2.3", "this network"),
        ("10.255.0.1", "private"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("100.127.255.255", "carrier-grade NAT"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.8", "protocol assignments"),
        ("192.0.2.1", "documentation"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarking"),
        ("224.0.0.251", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("::7f00:1", "IPv4-compatible"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b:1::a00:1", "NAT64"),
        ("100::1", "discard"),
        ("2001::1", "protocol assignments"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("fc00::1", "unique local"),
        ("fd12:3456::1", "unique local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("4000::1", "not allocated"),
        ("8.8.8.8", ""),
        ("100.63.255.255", ""),
        ("100.128.0.0", ""),
        ("172.15.255.255", ""),
        ("172.32.0.0", ""),
        ("169.253.255.255", ""),
        ("223.255.255.255", ""),
        ("2606:4700::1111", ""),
        ("2a00:1450:4001::1", ""),
    ],
)
def test_every_special_network_is_known_by_its_kind(address: str, kind: str) -> None:
    assert refusal(address) == kind


@given(st.ip_addresses())
def test_nothing_that_the_standard_library_calls_special_is_taken_for_public(address: object) -> None:
    found = ip_address(str(address))
    if not found.is_global or found.is_multicast or found.is_loopback or found.is_link_local or found.is_reserved:
        assert refusal(str(found))


def test_private_addresses_are_allowed_on_request_and_those_of_nobody_never() -> None:
    assert refusal("10.0.0.1", allow_private=True) == ""
    assert refusal("::1", allow_private=True) == ""
    assert refusal("224.0.0.1", allow_private=True) == "multicast"
    assert refusal("255.255.255.255", allow_private=True) == "reserved"


def test_one_private_network_can_be_allowed_alone() -> None:
    networks = ("10.1.0.0/16", "fd00::/8")
    assert refusal("10.1.2.3", private_networks=networks) == ""
    assert refusal("fd00::5", private_networks=networks) == ""
    assert refusal("10.2.2.3", private_networks=networks) == "private"
    assert refusal("::ffff:10.1.2.3", private_networks=networks) == "IPv4-mapped"


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"127\.1"):
        refusal("127.1")
