"""The example blog: our forms in somebody's site, on an origin of its own."""

import re
import socket
import threading
import urllib.request

import pytest
from flask.testing import FlaskClient

from newsletter.mailbox import blog
from newsletter.settings import load
from tests.real.conftest import free_port

SITE = "http://127.0.0.1:8000"


def test_every_address_of_the_product_is_there(client: FlaskClient) -> None:
    page = blog.create(SITE).test_client().get("/")
    assert page.status_code == 200 and "{site}" not in page.text
    asked = re.findall(rf'(?:href|src)="{SITE}(/[^"]+)"', page.text)
    assert '<link rel="icon" ' in page.text  # else every browser asks for /favicon.ico, and tells that there is none
    assert {"/embed/recover-from-pain.js", "/embed/exercise-at-50.js", "/embed/footer.js"} <= set(asked)
    for path in asked:
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("name", ["blog.css", "", "index.html"])
def test_what_lies_in_the_folder_is_served(name: str) -> None:
    assert blog.create(SITE).test_client().get(f"/{name}", buffered=True).status_code == 200


@pytest.mark.parametrize("name", ["../../site.toml", "..%2f..%2fsite.toml", "nothing.html", "nothing", "..html",
                                  "%2fetc%2fpasswd", "..%2f..%2ftemplates%2fpublic%2fhome.html"])  # fmt: skip
def test_and_nothing_behind_it(name: str) -> None:
    assert blog.create(SITE).test_client().get(f"/{name}").status_code == 404


def test_a_port_that_is_taken_is_an_error_and_no_exit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = load({"BLOG_PORT": str(other.getsockname()[1])})
        with pytest.raises(OSError, match="in use"):
            blog.server(settings)


def test_it_is_served() -> None:
    server = blog.server(load({"BLOG_PORT": str(port := free_port()), "PORT": "8123"}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            assert "http://127.0.0.1:8123/embed/footer.js" in page.read().decode()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
