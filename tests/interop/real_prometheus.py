"""A real Prometheus with the shipped configuration and rules, scraping what the test runs."""

import subprocess
import time

import httpx
import yaml
from building import ended
from debian import debian_program
from real_jaeger import free_port
from support.sources import ROOT

SHIPPED = ROOT / "deploy" / "prometheus"
START_S = 60
CHECK_S = 120


def promtool(*arguments):
    """Run promtool and return what it printed; it has to be content."""
    done = subprocess.run(
        [debian_program("prometheus", "promtool"), *map(str, arguments)],
        capture_output=True, text=True, timeout=CHECK_S, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


def prepared(folder, targets, key=""):
    """Write a copy of the shipped configuration that scrapes other addresses, each second.

    Args:
        folder: for the copy.
        targets: addresses by job; jobs without one are left out.
        key: what the file of the key holds.
    """
    config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(config["global"], "1s")
    config["rule_files"] = [str(SHIPPED / pattern) for pattern in config["rule_files"]]
    jobs = [job for job in config["scrape_configs"] if job["job_name"] in targets]
    assert len(jobs) == len(targets)
    for job in jobs:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
        if "authorization" in job:
            held = folder / "key"
            held.write_text(key)
            job["authorization"]["credentials_file"] = str(held)
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump({**config, "scrape_configs": jobs}))
    return path


class Prometheus:
    """A running Prometheus, and what it answers."""

    def __init__(self, folder, config):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [debian_program("prometheus", "prometheus"), f"--config.file={config}",
                 f"--storage.tsdb.path={folder / 'tsdb'}",
                 f"--web.listen-address={self.url.removeprefix('http://')}"],
                cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()

    def ask(self, path, **parameters):
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def series(self, expression):
        """Return what an expression evaluates to now: a value by its labels."""
        found = self.ask("query", query=expression)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in found["result"]]

    def stop(self):
        ended(self.process)

    def _wait(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/-/ready").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text(errors="replace")[-3000:])
