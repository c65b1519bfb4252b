"""Messages over HTTP: what is tried again, what is not, and when it is given up."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nextbest.settings.otel import Destination
from nextbest.telemetry.post import Poster


@pytest.fixture
def receiver():
    """Answers with the statuses of its list, then with 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            server.seen += 1
            self.send_response(server.statuses.pop(0) if server.statuses else 200)
            self.send_header("retry-after", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.statuses, server.seen = [], 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _post(port, timeout_s=10.0):
    return Poster(Destination(url=f"http://127.0.0.1:{port}/v1/traces", timeout_s=timeout_s), ()).post(
        b"spans"
    )


@pytest.mark.parametrize(
    ("statuses", "is_taken", "requests"),
    [([], True, 1), ([503, 429], True, 3), ([400], False, 1), ([500], False, 1), ([302], False, 1)],
)
def test_only_what_may_pass_is_tried_again(receiver, statuses, is_taken, requests):
    receiver.statuses = statuses
    assert _post(receiver.server_port) is is_taken
    assert receiver.seen == requests


def test_a_receiver_that_is_away_or_silent_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert _post(port, timeout_s=0.2) is False
    assert _post(port, timeout_s=0.2) is False
