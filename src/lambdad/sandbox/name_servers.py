"""Which name servers a sandbox asks: the host's, as far as a sandbox can reach them. resolv.conf(5).

A resolver on the host's loopback (systemd-resolved's 127.0.0.53, dnsmasq) cannot be reached from another network namespace;
systemd-resolved says where it asks itself. A host with another resolver of that kind leaves a sandbox without names.
"""

from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

RESOLV_CONF = Path("/etc/resolv.conf")
_UPSTREAM = Path("/run/systemd/resolve/resolv.conf")
_MOST = 3


def name_servers(resolv_conf: Path = RESOLV_CONF, upstream: Path = _UPSTREAM) -> tuple[IPv4Address, ...]:
    """The reachable ones, at most three; none if there is none."""
    return _reachable(resolv_conf) or _reachable(upstream)


def resolv_conf_for_sandboxes() -> str:
    """The text of /etc/resolv.conf inside."""
    kept = [line for line in _lines(RESOLV_CONF) if line.split()[0] in ("search", "options")]
    return "".join(f"{line}\n" for line in [*kept, *(f"nameserver {server}" for server in name_servers())])


def _reachable(file: Path) -> tuple[IPv4Address, ...]:
    found = []
    for line in _lines(file):
        words = line.split()
        if words[0] == "nameserver" and len(words) > 1:
            try:
                address = IPv4Address(words[1])
            except AddressValueError:
                continue
            if not address.is_loopback and not address.is_unspecified:
                found.append(address)
    return tuple(found[:_MOST])


def _lines(file: Path) -> list[str]:
    try:
        content = file.read_text(errors="replace")
    except OSError:
        return []
    return [line for line in (raw.strip() for raw in content.splitlines()) if line and line[0] not in "#;"]
