"""Promise: an output that the field has moved by itself is followed until the field lets go (redundant field I/O)."""

import pytest

from dcs.core.modes import AUTO, CAS, IMAN, MAN
from dcs.core.status import GOOD_CASCADE, IR, LIMIT_NONE, NI, STATUS_GOOD, make_status, sub_status_of
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_OK, OnBench

FOLLOW = make_status(GOOD_CASCADE, IR, LIMIT_NONE)


def output(kind: str, **values: float) -> OnBench:
    scales = {"xd_scale_low": 0.0, "xd_scale_high": 100.0} if kind == "AO" else {}
    running = {"started": 1, "mode": CAS, "cas_in_linked": 1, "cas_in_status": CASCADE_OK, "readback_linked": 1}
    return OnBench(kind, **scales | running | {"readback_status": STATUS_GOOD} | values)


@pytest.mark.parametrize(("kind", "wanted", "moved"), [("AO", 60.0, 5.0), ("DO", 1.0, 0.0)])
@pytest.mark.parametrize("target", [CAS, AUTO, MAN])
def test_it_follows_at_once_and_says_so_upwards(kind: str, wanted: float, moved: float, target: int) -> None:
    block = output(kind, cas_in=wanted, readback=wanted, target=target, mode=target, out=wanted, sp=wanted)
    block.step()
    assert block.out == wanted
    for _ in range(5):
        block.step(readback=moved, readback_status=FOLLOW)
        assert (block.mode, block.out, block.output_valid) == (IMAN, moved, 1), "sent is what is there"
        if target == CAS:
            assert sub_status_of(block.bkcal_out_status) == NI
    block.step(readback_status=STATUS_GOOD)
    assert (block.mode, block.out) == (AUTO if target == CAS else target, moved), "it leads again without a bump"


def test_the_cascade_comes_back_from_where_the_output_is() -> None:
    block = output("AO", cas_in=60.0, readback=60.0, out=60.0)
    block.step(count=2, readback=5.0, readback_status=FOLLOW)
    block.step(readback_status=STATUS_GOOD)
    assert block.bkcal_out == 5.0
    assert sub_status_of(block.bkcal_out_status) == IR
    block.step(cas_in=5.0, cas_in_status=CASCADE_IA)
    assert (block.mode, block.out) == (CAS, 5.0)


def test_an_ordinary_read_back_is_not_followed() -> None:
    block = output("AO", cas_in=60.0, readback=60.0, out=60.0)
    block.step(count=3, readback=5.0)
    assert (block.mode, block.out) == (CAS, 60.0)
