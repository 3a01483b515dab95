"""What of a pair enters the scan."""

import numpy as np

from dcs.blocks.io.controller_pair import MISSING
from dcs.core.status import STATUS_GOOD, STATUS_NOT_CONNECTED
from dcs.node.pair_view import PairFacts, PairView, worse_ways
from dcs.node.scan_record import InputImage
from dcs.redundancy.protocol.field_view import FieldView, device_list

INPUTS = ["LT-101", "RTU-1:link", "C1:standby", "C1:witness", "C1:behind"]
THREE = device_list(["RTU-1", "RTU-2", "RTU-3"], [True, False, False])


def test_what_is_known_is_good_and_the_rest_was_never_read() -> None:
    view, image = PairView(INPUTS), InputImage.empty(5, STATUS_NOT_CONNECTED)
    view.fill(image, PairFacts, 7)
    assert (image.statuses == STATUS_NOT_CONNECTED).all(), "nobody knows how the pair is"
    view.fill(image, lambda: PairFacts("missing", True, 2), 7)
    assert image.values[2:].tolist() == [MISSING, 1.0, 2.0]
    assert (image.statuses[2:] == STATUS_GOOD).all()
    assert image.times_ns.tolist() == [0, 0, 7, 7, 7]
    assert np.isnan(image.values[:2]).all()


def test_a_standby_is_worse_only_where_the_active_is_better() -> None:
    """Promise: a dead device and a dead coupler, which both see, are no trouble of the standby's."""
    ours = FieldView(THREE, reached=0b011, lost=0b100, degraded=0b010)
    assert worse_ways(ours, None) == 0
    assert worse_ways(ours, FieldView(THREE, reached=0b011, lost=0b100, degraded=0b010)) == 0
    assert worse_ways(ours, FieldView(THREE, reached=0b010, lost=0b101, degraded=0b010)) == 1
    assert worse_ways(ours, FieldView(THREE, reached=0b011, lost=0b100, degraded=0b011)) == 1
    assert worse_ways(ours, FieldView(device_list(["RTU-1"], [True]), lost=0b1)) == 0, "another list says nothing"
