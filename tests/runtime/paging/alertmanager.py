"""A real Alertmanager on the loopback, as Debian packages it: 0.25 or later.

In: the address of a webhook and the file with its token. Out: a running process with a folder of its own, ended by its
number. Without the program there is none: tests are skipped, and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from tests.runtime.served import free_port, wait_until

PROGRAM = os.environ.get("SHIPWORTHY_ALERTMANAGER") or shutil.which("prometheus-alertmanager") or ""
CONFIG = """route:
  receiver: shipworthy
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1s
receivers:
  - name: shipworthy
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config: {{authorization: {{credentials_file: {token}}}}}
"""


class Alertmanager:
    """Use as a context manager."""

    def __init__(self, folder: Path, webhook: str, token: Path) -> None:
        folder.mkdir()
        self.url = f"http://127.0.0.1:{free_port()}"
        self._config = folder / "alertmanager.yml"
        self._config.write_text(CONFIG.format(url=webhook, token=token))
        self._folder = folder

    def __enter__(self) -> Self:
        listen = self.url.removeprefix("http://")
        args = [f"--config.file={self._config}", f"--storage.path={self._folder / 'kept'}", "--cluster.listen-address="]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([PROGRAM, *args, f"--web.listen-address={listen}"], stderr=log, stdout=log)
        wait_until(self._ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def alerts(self, only: str = "") -> list[dict[str, Any]]:
        """Return the alerts that fire there. `only`: a matcher such as `sev="SEV2"`."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts?active=true&filter={quote(only)}", timeout=5) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())
            return found

    def post(self, *alerts: dict[str, Any]) -> None:
        """Post alerts as Prometheus does."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps(alerts).encode(), {"content-type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=5).close()

    def _ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/-/ready", timeout=1).close()
        except OSError:
            time.sleep(0.05)
            return False
        return True
