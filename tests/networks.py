"""Several hosts on one machine: network namespaces on a bridge, whose cables can be pulled.

    with Network(["one", "two"]) as network:
        with network.inside("one"):
            ...  # sockets opened and processes started here belong to that host
        network.cut("one")

The namespaces have no name: they live as long as this process and what was started in them, so that nothing is left
behind even when the tests are killed. Nothing outside of them has an address or a route in them. Linux and root only.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

CENTRE = "centre"
"""The host that is always there: the others are on its bridge."""
SUBNET = "10.213.77"
_CLONE_NEWNET = 0x40000000
_HERE = Path("/proc/thread-self/ns/net")
_libc = ctypes.CDLL(None, use_errno=True)


class NoNetworks(Exception):
    """This machine lets nobody make networks here; the message says why."""


class Network:
    """See the module. Every host has its own `address`; `CENTRE` has the first."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = [CENTRE, *hosts]
        self._namespaces: dict[str, int] = {}
        self._home = -1

    def __enter__(self) -> Self:
        self._home = _opened()
        try:
            for host in self.hosts:
                self._namespaces[host] = _made()
            self._wire()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the namespaces: the kernel takes them down when no process is left in them."""
        for namespace in (*self._namespaces.values(), self._home):
            if namespace >= 0:
                os.close(namespace)
        self._namespaces, self._home = {}, -1

    def address(self, host: str = CENTRE) -> str:
        """Where a host is, for the others."""
        return f"{SUBNET}.{self.hosts.index(host) + 1}"

    @contextmanager
    def inside(self, host: str) -> Iterator[None]:
        """On this host: holds for this thread alone, and for the processes it starts."""
        _enter(self._namespaces[host])
        try:
            yield
        finally:
            _enter(self._home)

    def cut(self, host: str) -> None:
        """Pull the cable: nothing that is sent arrives any more, and nobody is told."""
        self._ip(CENTRE, "link", "set", self._port(host), "down")

    def mend(self, host: str) -> None:
        """Put the cable back."""
        self._ip(CENTRE, "link", "set", self._port(host), "up")

    def _port(self, host: str) -> str:
        return f"port{self.hosts.index(host)}"

    def _wire(self) -> None:
        self._ip(CENTRE, "link", "set", "lo", "up")
        self._ip(CENTRE, "link", "add", "bridge0", "type", "bridge")
        self._ip(CENTRE, "address", "add", f"{self.address()}/24", "dev", "bridge0")
        self._ip(CENTRE, "link", "set", "bridge0", "up")
        for host in self.hosts[1:]:
            port, there = self._port(host), f"/proc/{os.getpid()}/fd/{self._namespaces[host]}"
            self._ip(CENTRE, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", there)
            self._ip(CENTRE, "link", "set", port, "master", "bridge0", "up")
            self._ip(host, "link", "set", "lo", "up")
            self._ip(host, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
            self._ip(host, "link", "set", "eth0", "up")

    def _ip(self, host: str, *words: str) -> None:
        with self.inside(host):
            try:
                done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20)
            except FileNotFoundError:
                raise NoNetworks("the program `ip` (iproute2) is missing") from None
        if done.returncode:
            raise NoNetworks(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _opened() -> int:
    try:
        return os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NoNetworks(f"no network namespaces here: {error}") from None


def _made() -> int:
    """A new, empty network namespace. Made by a thread of its own, which alone moves into it."""
    found: list[int] = []

    def make() -> None:
        if _libc.unshare(_CLONE_NEWNET) == 0:
            found.append(_opened())
        else:
            found.append(-ctypes.get_errno())

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if found[0] < 0:
        raise NoNetworks(f"a network namespace cannot be made: {os.strerror(-found[0])} (root is needed)")
    return found[0]


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET):
        raise NoNetworks(f"a network namespace cannot be entered: {os.strerror(ctypes.get_errno())}")
