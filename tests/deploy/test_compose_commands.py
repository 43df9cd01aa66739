"""Commands in docker-compose.yml that a shell reads, run by that shell."""

import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import yaml
from support.sources import ROOT

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]


@contextmanager
def answering(status):
    """Answer every request with a status, as Qdrant's /readyz does; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_):
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def is_qdrant_well(port):
    _, *words = SERVICES["qdrant"]["healthcheck"]["test"]
    words[-1] = words[-1].replace("$$", "$").replace("/6333", f"/{port}")
    return subprocess.run(words, capture_output=True, check=False, timeout=30).returncode == 0


def test_qdrant_is_well_if_it_says_that_it_is_ready():
    with answering(200) as port:
        assert is_qdrant_well(port)
    assert not is_qdrant_well(port)
    with answering(503) as port:
        assert not is_qdrant_well(port)


def test_grafana_is_started_with_its_key_in_the_environment(tmp_path):
    key, start = tmp_path / "key", tmp_path / "run.sh"
    key.write_text("ov_of_a_test")
    start.write_text('#!/bin/sh\necho "$VECTOR_API_KEY, process $$"\n')
    start.chmod(0o755)
    words = [
        word.replace("$$", "$")
        .replace("/run/otel-vector/key", str(key))
        .replace("/run.sh", str(start))
        for word in SERVICES["grafana"]["entrypoint"]
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        printed, _ = process.communicate(timeout=30)
    # The same process: signals of the engine reach Grafana, not a shell before it.
    assert printed.strip() == f"ov_of_a_test, process {process.pid}"


def test_grafana_is_not_started_without_its_key(tmp_path):
    words = [word.replace("$$", "$").replace("/run/otel-vector/key", str(tmp_path / "absent"))
             for word in SERVICES["grafana"]["entrypoint"]]  # fmt: skip
    done = subprocess.run(words, capture_output=True, check=False, timeout=30)
    assert done.returncode != 0
