"""A real WordPress on loopback: Debian's packages with its PHP and MariaDB, unpacked and never installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import debian
from tests.debian import NotToBeHad
from tests.real.conftest import free_port, until

THEME = "twentytwentyone"
"""A theme with a place for widgets on every page."""
EXTENSIONS = ("mysqlnd", "mysqli", "ctype", "tokenizer", "iconv", "fileinfo", "posix")
CONFIG = """<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
define('WP_HOME', '{url}'); define('WP_SITEURL', '{url}');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true); define('AUTOMATIC_UPDATER_DISABLED', true);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
INSTALL = """<?php
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = '127.0.0.1';
function wp_mail() { return true; }
require '{site}/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('A blog', 'paul', 'paul@example.com', true, '', 'a good password');
switch_theme('{theme}');
$widgets = ['_multiwidget' => 1];
$placed = [];
foreach (glob('{pieces}/*.html') as $number => $file) {
    $widgets[$number + 1] = ['title' => '', 'content' => file_get_contents($file)];
    $placed[] = 'custom_html-' . ($number + 1);
}
update_option('widget_custom_html', $widgets);
update_option('sidebars_widgets', ['wp_inactive_widgets' => [], 'sidebar-1' => $placed, 'array_version' => 3]);
echo wp_insert_post(['post_title' => 'By shortcode', 'post_content' => '{post}', 'post_status' => 'publish']), ' ';
$theme = wp_get_theme();
echo 'WordPress ', get_bloginfo('version'), ', theme ', $theme->get('Name'), ' ', $theme->get('Version');
"""


@dataclass(frozen=True)
class WordPress:
    """One that runs: `post` is the number of a post with the shortcode, `version` what it calls itself."""

    url: str
    post: int
    version: str


@contextmanager
def wordpress(folder: Path, widgets: Mapping[str, str], plugin: str, post: str) -> Iterator[WordPress]:
    """A blog with these pieces of HTML as widgets, in this order, a plugin of this PHP, and a post of these words.

    Raises NotToBeHad.
    """
    programs = _programs()
    php, url = _php(programs), f"http://127.0.0.1:{(port := free_port())}"
    site, pieces, socket = folder / "site", folder / "pieces", folder / "db.sock"
    shutil.copytree(programs / "usr/share/wordpress", site, ignore_dangling_symlinks=True)
    (site / "wp-config.php").write_text(CONFIG.format(socket=socket, url=url))
    (site / "wp-content/mu-plugins").mkdir()
    (site / "wp-content/mu-plugins/newsletter.php").write_text(f"<?php\n{plugin}\n")
    pieces.mkdir()
    for number, piece in enumerate(widgets.values()):
        (pieces / f"{number}.html").write_text(piece)
    install = folder / "install.php"
    filled = INSTALL
    for name, value in {"site": site, "theme": THEME, "pieces": pieces, "post": post.replace("'", "\\'")}.items():
        filled = filled.replace(f"{{{name}}}", str(value))
    install.write_text(filled)
    with ExitStack() as running:
        _database(programs, folder, socket, running)
        said = _run([*php, str(install)], programs).split(maxsplit=1)
        _started([*php, "-S", f"127.0.0.1:{port}", "-t", str(site)], programs, folder / "php.log", running)
        until(lambda: b"Development Server" in (folder / "php.log").read_bytes(), why="PHP does not serve")
        yield WordPress(url, int(said[0]), said[1])


def _programs() -> Path:
    cli = debian.php()
    version = cli.removesuffix("-cli")
    return debian.unpacked(
        "wordpress", f"wordpress-theme-{THEME}", cli, f"{version}-common", f"{version}-mysql", "mariadb-server-core",
        "mariadb-client-core", depth=2,
    )  # fmt: skip


def _php(programs: Path) -> list[str]:
    (program,) = programs.glob("usr/bin/php[0-9].[0-9]")
    folders = [one for one in programs.glob("usr/lib/php/*") if (one / "mysqli.so").exists()]
    loaded = [
        part for name in EXTENSIONS if (folders[0] / f"{name}.so").exists() for part in ("-d", f"extension={name}")
    ]
    return [str(program), "-n", "-d", f"extension_dir={folders[0]}", *loaded]


def _database(programs: Path, folder: Path, socket: Path, running: ExitStack) -> None:
    """MariaDB with an empty database, on a Unix socket alone."""
    base, data = programs / "usr", folder / "db"
    who = ["--user=root"] if os.geteuid() == 0 else []
    _run([str(base / "bin/mariadb-install-db"), "--no-defaults", f"--basedir={base}", f"--datadir={data}",
          "--auth-root-authentication-method=normal", "--skip-test-db", *who], programs)  # fmt: skip
    server = [str(base / "sbin/mariadbd"), "--no-defaults", f"--basedir={base}", f"--datadir={data}",
              "--skip-networking", f"--socket={socket}", "--innodb-buffer-pool-size=16M", *who]  # fmt: skip
    _started(server, programs, folder / "db.log", running)
    until(socket.exists, why="MariaDB does not start")
    _run([str(base / "bin/mariadb"), "--no-defaults", "-S", str(socket), "-u", "root", "-e",
          "CREATE DATABASE wordpress CHARACTER SET utf8mb4"], programs)  # fmt: skip


def _environment(programs: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": debian.library_path(programs), "PHP_CLI_SERVER_WORKERS": "2"}


def _run(argv: list[str], programs: Path) -> str:
    done = subprocess.run(argv, env=_environment(programs), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise NotToBeHad(f"{Path(argv[0]).name} does not run here: {(done.stdout + done.stderr)[-300:]}")
    return done.stdout


def _started(argv: list[str], programs: Path, log: Path, running: ExitStack) -> None:
    with log.open("wb") as out:
        process = subprocess.Popen(argv, env=_environment(programs), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   start_new_session=True)  # fmt: skip

    def stop() -> None:
        os.killpg(process.pid, 15)  # PHP's server has workers
        process.wait(30)

    running.callback(stop)
