"""What serves here was let in here: a release folder names its own keys, so a valid folder is not yet one of ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.facts import digest
from shipworthy.flows import rollout
from shipworthy.flows.site_state import open_site
from shipworthy.runtime.overridden import Ended
from shipworthy.runtime.permits import Permits
from shipworthy.runtime.releases import Loaded, load
from shipworthy.runtime.site import Site
from tests.flows.overriding import overridden
from tests.flows.tiny import Tiny, write_tiny
from tests.runtime.served import Served


@pytest.fixture(scope="module")
def _stranger(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The same repository under keys that the stranger made: each of its releases verifies by itself."""
    tiny = write_tiny(tmp_path_factory.mktemp("stranger") / "site")
    tiny.prepare()
    tiny.ship()
    return tiny


@pytest.fixture
def stranger(_stranger: Tiny, tmp_path: Path) -> Tiny:
    return _stranger.copy(tmp_path / "stranger")


def brought(tiny: Tiny, other: Tiny, version: str) -> Path:
    """Put a release of another site among those of this one, in place of what is there."""
    folder = tiny.workspace.releases / version
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(other.workspace.releases / version, folder))


def loosened(stranger: Tiny) -> None:
    """Ship version 9 under a policy that nobody here allowed."""
    for path in (stranger.root / "shipworthy.lock", stranger.workspace.home / "store.db"):
        path.unlink()
    stranger.edit("safety-slos.yaml", "<= 0.30", "<= 0.90")
    stranger.release("9")
    stranger.ship()


def test_a_release_under_its_own_keys_does_not_start(shipped: Tiny, stranger: Tiny) -> None:
    loosened(stranger)
    assert load(brought(shipped, stranger, "9")).version == "9"
    with pytest.raises(CannotDecide, match="knows no such release"):
        shipped.start("9")
    assert shipped.kinds() == ["gate.decided", "gate.shipped", "deploy.baselined"]


def test_an_override_under_its_own_keys_does_not_start(shipped: Tiny, stranger: Tiny) -> None:
    overridden(stranger)
    shipped.clock.advance(3600)
    brought(shipped, stranger, "2")
    with pytest.raises(CannotDecide, match="knows no such release"):
        shipped.start("2")


def test_an_override_of_this_site_starts(shipped: Tiny) -> None:
    overridden(shipped)
    assert shipped.start("2").version == "2"


def test_a_candidate_that_was_replaced_after_its_start_is_not_served(rolling: Tiny, stranger: Tiny) -> None:
    stranger.release("2", slope=0.52)
    stranger.ship()
    brought(rolling, stranger, "2")
    with pytest.raises(CannotDecide, match="knows no such release"):
        rollout.advance(rolling.workspace, "ana")
    with Served(rolling) as served:
        served.keep_up()
        assert "knows no such release" in served.site.status()["refused"]["2"]
        assert set(served.site.served) == {"1"}


def test_a_baseline_that_this_site_did_not_ship_is_not_served(shipped: Tiny, stranger: Tiny) -> None:
    stranger.edit("safety-slos.yaml", "<= 0.30", "<= 0.31")
    (stranger.root / "shipworthy.lock").unlink()
    (stranger.workspace.home / "store.db").unlink()
    stranger.prepare()
    stranger.ship()
    brought(shipped, stranger, "1")
    with pytest.raises(CannotDecide, match="knows no such release"):
        Site(shipped.workspace)


def test_the_same_subject_under_other_keys_is_another_release_once_its_lock_is_known(
    rolling: Tiny, stranger: Tiny
) -> None:
    ours, theirs = (load(one.workspace.releases / "1").contract for one in (rolling, stranger))
    assert ours.lock is not None
    assert theirs.lock is not None
    assert ours.lock.subject == theirs.lock.subject
    assert ours.people != theirs.people
    brought(rolling, stranger, "1")
    with pytest.raises(CannotDecide, match="not the one that this site knows"):
        Site(rolling.workspace)
    with pytest.raises(CannotDecide, match="not the one that this site knows"):
        rollout.advance(rolling.workspace, "ana")


def test_a_start_pins_what_it_lets_in_once(rolling: Tiny) -> None:
    """What shipped here is pinned by its own entry; what came from elsewhere is when it starts."""
    assert "deploy.admitted" not in rolling.kinds()
    rollout.abort(rolling.workspace, "ana")
    rolling.start("2")
    assert "deploy.admitted" not in rolling.kinds()


def test_what_shipped_last_under_a_name_counts(rolling: Tiny) -> None:
    """A ship that carries its lock's terms pins them at once; one of another lock takes the place of the former."""
    rollout.abort(rolling.workspace, "ana")
    contract = load(rolling.workspace.releases / "1").contract
    assert contract.lock is not None
    with open_site(rolling.workspace) as authority:
        body = {"subject": contract.lock.subject, "first": True, "terms": digest("other")}
        authority.note("gate", "gate.shipped", body)
    with pytest.raises(CannotDecide, match="not the one that this site knows"):
        rolling.start("2")


def test_what_the_pinned_gate_passed_elsewhere_starts_and_is_known_from_then_on(shipped: Tiny, tmp_path: Path) -> None:
    twin = shipped.copy(tmp_path / "twin")
    twin.release("2", slope=0.51)
    twin.ship()
    brought(shipped, twin, "2")
    shipped.start("2")
    assert shipped.kinds()[-2:] == ["deploy.admitted", "deploy.started"]
    rollout.abort(shipped.workspace, "ana")
    shipped.start("2")
    assert shipped.kinds().count("deploy.admitted") == 1
    with Served(shipped) as served:
        served.until_served("2")


def test_a_release_of_another_model_does_not_start_here(shipped: Tiny, tmp_path: Path) -> None:
    twin = shipped.copy(tmp_path / "twin")
    (twin.root / "shipworthy.lock").unlink()
    for path in twin.workspace.home.iterdir():
        if path.name != "keys":
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    twin.edit("shipworthy.yaml", "model: tiny-triage", "model: tiny-other")
    twin.edit("robustness-pack.yaml", "model: tiny-triage", "model: tiny-other")
    twin.release("9")
    twin.ship()
    brought(shipped, twin, "9")
    with pytest.raises(CannotDecide, match="of the model 'tiny-other'"):
        shipped.start("9")


def test_another_model_is_not_a_first_release_of_this_site(shipped: Tiny) -> None:
    (shipped.root / "shipworthy.lock").unlink()
    shipped.edit("shipworthy.yaml", "model: tiny-triage", "model: tiny-other")
    shipped.edit("robustness-pack.yaml", "model: tiny-triage", "model: tiny-other")
    shipped.release("9")
    assert [block.name for block in shipped.judge().verdict.blocks] == ["lock"]


def test_a_release_under_another_name_does_not_start(rolling: Tiny) -> None:
    """Else a decision against version 2 would not hold for the folder 9."""
    rollout.abort(rolling.workspace, "ana")
    shutil.copytree(rolling.workspace.releases / "2", rolling.workspace.releases / "9")
    with pytest.raises(CannotDecide, match="it is version 2"):
        rolling.start("9")


def test_an_override_that_ended_closes_no_other_version(shipped: Tiny) -> None:
    overridden(shipped)
    shutil.copytree(shipped.workspace.releases / "2", shipped.workspace.releases / "9")
    shipped.clock.advance(30 * 86400)
    permits = Permits(shipped.clock)
    nothing: Callable[[Loaded], None] = lambda one: None  # noqa: E731
    with pytest.raises(Ended):
        permits.load(shipped.workspace.releases / "9", nothing)
    assert not permits.over("2")
    with pytest.raises(Ended):
        permits.load(shipped.workspace.releases / "2", nothing)
    assert permits.over("2")
