"""OpenSMTPD of Debian on loopback. It has its paths built in: they are made in a mount namespace of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.debian import library_path, unpacked
from tests.real.mta import Mta, own_folder

USER, QUEUE = 64911, 64912
SMALL_DISK = (
    "mount -t tmpfs -o size=64k,mode=711 none /var/spool/smtpd",
    "head -c 62k /dev/zero >/var/spool/smtpd/full",
)
"""A disk for the queue that is full, to be given to `opensmtpd`."""


@contextmanager
def opensmtpd(settings: str = "", options: str = "", mounts: Sequence[str] = ()) -> Iterator[Mta]:
    """OpenSMTPD, which takes everything and delivers nothing; `options` are those of its listener.

    Raises NotToBeHad.
    """
    with own_folder() as folder:
        package = unpacked("opensmtpd")
        made = Mta(folder, folder / "out", r"smtp envelope evpid=(\S+) from=<[^>]*> to=<([^>]+)>")
        (folder / "spool").mkdir(mode=0o711)
        (folder / "conf").write_text(
            f"{settings}\nlisten on 127.0.0.1 port {made.port} hostname mx.example {options}\n"
            'action "keep" relay\nmatch from any for any action "keep"\n'
        )
        made.in_a_namespace(
            f"\nopensmtpd:x:{USER}:{USER}::/:/bin/false\nopensmtpq:x:{QUEUE}:{QUEUE}::/:/bin/false\n",
            f"\nopensmtpd:x:{USER}:\nopensmtpq:x:{QUEUE}:\n",
            f"env LD_LIBRARY_PATH={library_path(package)} {package}/usr/sbin/smtpd -d -P mda -P mta -f {folder}/conf",
            (*(f"mount -t tmpfs -o mode=755 none {place}" for place in ("/run", "/var/lib", "/var/spool")),
             "mkdir -p -m 755 /var/lib/opensmtpd/empty /var/spool/smtpd",
             f"mount --bind {folder}/spool /var/spool/smtpd", *mounts),
        )  # fmt: skip
        yield from made.running()
