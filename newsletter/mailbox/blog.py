"""The example blog: static files on a separate origin, to show a new owner our forms embedded in another site."""

import socket
from pathlib import Path

from flask import Flask, Response, abort, send_from_directory
from werkzeug.serving import BaseWSGIServer, make_server

from newsletter.mailbox.quiet import Quiet
from newsletter.settings import ROOT, Settings

FOLDER = ROOT / "examples" / "blog"
SITE = "{site}"
"""Placeholder in the pages for this installation's address."""


def create(site: str, folder: Path = FOLDER) -> Flask:
    """The application: serves the files directly in the folder, no subfolders."""
    app = Flask("blog", static_folder=None)

    @app.get("/")
    def index() -> Response:
        return page(folder / "index.html")

    @app.get("/<name>")
    def file(name: str) -> Response:
        path = folder / name
        if path.parent != folder or not path.is_file():
            abort(404)
        return page(path) if path.suffix == ".html" else send_from_directory(folder, name)

    def page(path: Path) -> Response:
        return Response(path.read_text(encoding="utf-8").replace(SITE, site), mimetype="text/html")

    return app


def server(settings: Settings) -> BaseWSGIServer:
    """Its server on loopback, not started. Raises OSError if the port is taken."""
    with socket.create_server(("127.0.0.1", settings.blog_port)) as bound:
        app = create(settings.site)
        return make_server(
            "127.0.0.1", settings.blog_port, app, threaded=True, request_handler=Quiet, fd=bound.detach()
        )
