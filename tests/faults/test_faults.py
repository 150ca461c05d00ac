"""Planted faults are caught. `make faults` plants them all; here stands one of each room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.gathered import FAULTS, SUBSET, Fault
from tests.faults.run import copy_source, is_noticed, mutated, run_tests


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.name}")
def test_a_fault_still_fits_the_code_and_is_python(fault: Fault) -> None:
    compile(mutated(fault), fault.file, "exec")


def test_every_file_of_the_core_has_its_faults() -> None:
    by_file = {fault.file: sum(one.file == fault.file for one in FAULTS) for fault in FAULTS}
    assert min(by_file.values()) >= 4
    assert sum(by_file.values()) >= 6 * len(by_file)
    assert len({(fault.file, fault.name) for fault in FAULTS}) == len(FAULTS)


@pytest.mark.slow
def test_the_tests_pass_on_a_copy_without_a_fault(tmp_path: Path) -> None:
    code, told = run_tests("tests/facts/test_posture.py", copy_source(tmp_path))
    assert code == 0, told


@pytest.mark.slow
def test_a_fault_of_each_room_is_caught(tmp_path: Path) -> None:
    copy = copy_source(tmp_path)
    chosen = [fault for fault in FAULTS if fault.name in SUBSET]
    assert len(chosen) == len(SUBSET)
    assert [fault.name for fault in chosen if not is_noticed(fault, copy)] == []
