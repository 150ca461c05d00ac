"""Texts that bring the contract into the daily work: the pull-request template, the CI workflow, the ignored files.

In: little of the manifest. Out: texts. The two questions of the template are the note's own: `check` reads the answers
in `deliberation-note.md`, which travels with the change; what stands in a pull request is not in the repository and
is checked by the people who read it.
"""

from __future__ import annotations

from shipworthy.contract.manifest import Manifest
from shipworthy.contract.note import FALLBACK, FILE, MINORITY
from shipworthy.contract.schema_files import FOLDER

PULL_REQUEST = ".github/pull_request_template.md"
WORKFLOW = ".github/workflows/shipworthy.yml"
IGNORE = ".gitignore"
IGNORED = (".shipworthy/*", f"!{FOLDER}/")


def pull_request_text() -> str:
    """Return the pull-request template with the two safety-by-design questions."""
    return f"""## What changes, and why

## Safety by design

Both questions are answered in `{FILE}`; `shipworthy check` reads them there and refuses a note of another change. Say
here what a reviewer should look at first.

- [ ] **{MINORITY}**
- [ ] **{FALLBACK}**

## Before asking for review

- [ ] `shipworthy check` has no problem
- [ ] `shipworthy note` was run after the last change
- [ ] Nothing in the contract got looser, or a decision record under `docs/decisions/` covers exactly that change
"""


def workflow_text(manifest: Manifest) -> str:
    """Return the CI workflow: one job runs the model and holds no key, the other holds the key and runs no model."""
    folder = manifest.artefacts.strip("/")
    return f"""# Two jobs: `evaluate` runs the model and holds no key; `gate` signs and judges, and runs no model.
# The gate's key is the text of .shipworthy/state/keys/signing.pem, kept as the secret SHIPWORTHY_SIGNING_KEY.
name: shipworthy
on: [pull_request]
permissions:
  contents: read
jobs:
  evaluate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{python-version: "3.11"}}
      - run: pip install "shipworthy[evaluate]"{_requirements(manifest)}
      - run: shipworthy check
      - run: shipworthy build
      - run: shipworthy evaluate
      - uses: actions/upload-artifact@v4
        with:
          name: shipworthy
          include-hidden-files: true
          if-no-files-found: error
          path: |
            {folder}/
            .shipworthy/evidence/
  gate:
    needs: evaluate
    runs-on: ubuntu-latest
    environment: release
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{python-version: "3.11"}}
      - run: pip install shipworthy
      - uses: actions/download-artifact@v4
        with: {{name: shipworthy}}
      - name: Put the key where only this job sees it
        env:
          SIGNING_KEY: ${{{{ secrets.SHIPWORTHY_SIGNING_KEY }}}}
        run: |
          umask 077
          mkdir -p .shipworthy/state/keys
          printf '%s\\n' "$SIGNING_KEY" > .shipworthy/state/keys/signing.pem
      - run: shipworthy sign
      - run: shipworthy gate --format markdown >> "$GITHUB_STEP_SUMMARY"
"""


def ignored_text(before: str) -> tuple[str, str]:
    """Return the ignore file with our lines below what it said, and a line of advice where it shuts the schemas out."""
    lines = [line.strip() for line in before.splitlines()]
    missing = [line for line in IGNORED if line not in lines]
    shut = next((line for line in lines if line.rstrip("/").lstrip("/") == ".shipworthy"), None)
    advice = f"{IGNORE}: replace the line {shut!r} by {IGNORED[0]!r}, else {FOLDER}/ stays out of git" if shut else ""
    if not missing:
        return before, advice
    gap = "" if not before or before.endswith("\n") else "\n"
    return before + gap + "".join(f"{line}\n" for line in missing), advice


def _requirements(manifest: Manifest) -> str:
    """The project's own lock file, where pip can read it."""
    named = manifest.lockfile or ""
    return f"\n      - run: pip install -r {named}" if named.endswith((".txt", "requirements.lock")) else ""
