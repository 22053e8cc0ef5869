"""Exim and Postfix of Debian on loopback, with settings of the tests' own; each wrote down what it took."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.debian import NotToBeHad, library_path, unpacked

PATIENCE = 15.0
NOBODY, POSTFIX, POSTDROP = 65534, 64901, 64902
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")


class Mta:
    """A mail server: started, killed and started again."""

    def __init__(self, folder: Path, log: Path, took: str = "") -> None:
        """`took` finds the server's own number of a message and its recipient in the log.

        It must be written before the server answers, and by the process that answers.
        """
        self.folder = folder
        self.port = _free_port()
        self._log, self._took = log, re.compile(took)
        self._command: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def took(self) -> Counter[str]:
        """How many mails to each recipient it says that it took."""
        return Counter(recipient for _, recipient in set(self._took.findall(self.log())))

    def log(self) -> str:
        """What it has written down so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it greets. Raises NotToBeHad."""
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=out, start_new_session=True)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1.0) as peer:
                    peer.settimeout(5.0)
                    if peer.recv(3) == b"220":
                        peer.sendall(b"QUIT\r\n")
                        return
            except OSError:
                time.sleep(0.05)
        said = (self.folder / "out").read_text(errors="replace")[-300:]
        self.kill()
        raise NotToBeHad(f"it does not start here: {said}")

    def kill(self) -> None:
        """kill -9 of all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def in_a_namespace(self, users: str, groups: str, command: str, mounts: Sequence[str] = ()) -> None:
        """Have it started where users and groups of its own are known, and these `mounts` are made."""
        for name, more in (("passwd", users), ("group", groups)):
            (self.folder / name).write_text(Path(f"/etc/{name}").read_text() + more)
        binds = (f"mount --bind {self.folder / name} /etc/{name}" for name in ("passwd", "group"))
        self._command = ["unshare", "--mount", "sh", "-ec", "; ".join((*binds, *mounts, f"exec {command}"))]

    def running(self) -> Iterator["Mta"]:
        """Start it, and kill it at the end. Raises NotToBeHad."""
        try:
            self.start()
            yield self
        finally:
            self.kill()


class Postfix(Mta):
    """Postfix. Its log goes through a process of its own: a kill loses lines, so its queue says what it took."""

    def took(self) -> Counter[str]:
        """How many mails to each recipient lie in its queue, whole."""
        return Counter(recipient for file in self._whole() for recipient in _recipients(file.read_bytes()))

    def _whole(self) -> Iterator[Path]:
        """Where all of a mail is written, Postfix lets its owner execute the file, and only then answers."""
        return (file for file in (self.folder / "queue" / "hold").iterdir() if file.stat().st_mode & stat.S_IXUSR)


def _recipients(file: bytes) -> Iterator[str]:
    """Those of a queue file: records of R, a length and an address."""
    for record in re.finditer(rb"R(?s:(.))([!-~]+@[a-z.]+)", file):
        yield record[2][: record[1][0]].decode()


@contextmanager
def exim(settings: str = "", acl: str = "accept") -> Iterator[Mta]:
    """Exim, which takes everything and delivers nothing; `acl` decides at RCPT. Raises NotToBeHad."""
    with own_folder() as folder:
        package = unpacked("exim4-daemon-light")
        made = Mta(folder, folder / "log" / "mainlog", r"(\S+) <= [^\n]* for (\S+)")
        for name in ("spool", "log"):
            (folder / name).mkdir()
            os.chown(folder / name, NOBODY, NOBODY)
        os.chown(folder, NOBODY, NOBODY)
        (folder / "conf").write_text(
            "\n".join([
                "exim_user = nobody", "exim_group = nogroup", "primary_hostname = mx.example", "never_users =",
                f"spool_directory = {folder}/spool", f"log_file_path = {folder}/log/%slog",
                f"pid_file_path = {folder}/pid", "queue_only = true", "local_interfaces = 127.0.0.1",
                f"daemon_smtp_ports = {made.port}", "keep_environment =", "host_lookup =",
                "log_selector = +received_recipients", "chunking_advertise_hosts = *", "acl_smtp_rcpt = acl_rcpt",
                "smtp_accept_max = 100", "smtp_accept_queue_per_connection = 0",
                *(line for line in _EXIM if line.split(" ")[0] not in settings),
                settings, "begin acl", "acl_rcpt:", f"  {acl}", "",
            ])
        )  # fmt: skip
        made.in_a_namespace(
            f"\nDebian-exim:x:{NOBODY}:{NOBODY}::/:/bin/false\n", f"\nDebian-exim:x:{NOBODY}:\n",
            f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups env LD_LIBRARY_PATH={library_path(package)} "
            f"{package}/usr/sbin/exim4 -C {folder}/conf -bdf",
        )  # fmt: skip
        yield from made.running()


@contextmanager
def postfix(settings: str = "") -> Iterator[Mta]:
    """Postfix, which takes everything and delivers nothing. Raises NotToBeHad."""
    with own_folder() as folder:
        package = unpacked("postfix")
        made = Postfix(folder, folder / "log")
        conf, queue = folder / "conf", folder / "queue"
        for place in (conf, queue, folder / "data"):
            place.mkdir()
        for name in (*QUEUES, "pid", "public", "maildrop"):
            (queue / name).mkdir(mode=0o700)
            if name != "pid":
                os.chown(queue / name, POSTFIX, POSTDROP)
        (queue / "public").chmod(0o710)
        (queue / "maildrop").chmod(0o730)
        os.chown(folder / "data", POSTFIX, POSTDROP)
        (conf / "main.cf").write_text(_MAIN_CF.format(folder=folder, package=package) + settings + "\n")
        (conf / "master.cf").write_text(_MASTER_CF.format(port=made.port))
        made.in_a_namespace(
            f"\npostfix:x:{POSTFIX}:{POSTFIX}::/:/bin/false\n", f"\npostfix:x:{POSTFIX}:\npostdrop:x:{POSTDROP}:\n",
            f"env LD_LIBRARY_PATH={library_path(package)} {package}/usr/lib/postfix/sbin/master -c {conf} -d",
        )  # fmt: skip
        yield from made.running()


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that every user can read, gone at the end. Raises NotToBeHad where users cannot be changed."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        raise NotToBeHad("it changes users, so root, unshare and setpriv are needed")
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="mta", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


_EXIM = ("smtp_accept_max_per_host = 100", "tls_advertise_hosts =")
"""Where a test does not say otherwise: Exim refuses what is set twice."""
_MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {package}/usr/lib/postfix/sbin
command_directory = {package}/usr/sbin
meta_directory = {package}/etc/postfix
shlib_directory = {package}/usr/lib/postfix
import_environment = MAIL_CONFIG TZ LD_LIBRARY_PATH MAIL_DEBUG MAIL_LOGTAG
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_event_limit_exceptions =
anvil_rate_time_unit = 3s
smtpd_client_restrictions = static:HOLD
alias_maps =
alias_database =
smtputf8_enable = no
maillog_file = {folder}/log
maillog_file_prefixes = /
"""
_MASTER_CF = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""
