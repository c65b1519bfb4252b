"""nginx and HAProxy in front of servers, set up as docs/operator/proxies.md shows."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operator/proxies.md"
# Where `make` unpacks what the system does not have.
UNPACKED = ROOT / ".venv/proxies"
FOLDERS = [UNPACKED / "usr/sbin", Path("/usr/sbin"), Path("/usr/local/sbin")]
START_S_MAX = 20.0
# Outside of what a package's own nginx.conf has, so that nothing of the machine is touched.
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes auto;
events {{ worker_connections 768; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/nextbest.conf;
}}
"""


def program(name: str) -> str:
    path = os.pathsep.join([os.environ["PATH"], *map(str, FOLDERS)])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"`{name}` is not installed, and `make` could not fetch it: it is the proxy of this test")
    return found


def printed(language: str, number: int = 0) -> str:
    """Returns a configuration as the page prints it."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)[number]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def moved(configuration: str, addresses: dict[str, str]) -> str:
    """Replaces the printed addresses with those of this run."""
    for before, after in addresses.items():
        assert before in configuration, before
        configuration = configuration.replace(before, after)
    return configuration


@contextmanager
def running(command: list[str], folder: Path, address: str) -> Iterator[str]:
    """Runs a proxy in the foreground; yields its address as soon as it accepts connections."""
    libraries = UNPACKED / "usr/lib"
    found = ":".join(str(path) for path in libraries.glob("*-linux-gnu"))
    output = folder / "proxy.out"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, "LD_LIBRARY_PATH": found}, cwd=folder
        )
    try:
        host, port = address.split(":")
        give_up = time.monotonic() + START_S_MAX
        while True:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < give_up, output.read_text()
            with suppress(OSError), socket.create_connection((host, int(port)), timeout=1.0):
                break
            time.sleep(0.01)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=START_S_MAX)


@contextmanager
def nginx(folder: Path, configuration: str, address: str) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    (folder / "nextbest.conf").write_text(configuration)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    command = [program("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "nginx.log"]
    with running(command, folder, address):
        yield address


@contextmanager
def haproxy(folder: Path, configuration: str, address: str) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    (folder / "haproxy.cfg").write_text(configuration)
    with running([program("haproxy"), "-db", "-f", "haproxy.cfg"], folder, address):
        yield address
