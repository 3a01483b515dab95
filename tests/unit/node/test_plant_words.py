"""What the journal and the status say of a simulated plant that leaves its range or freezes."""

import math

import pytest

from dcs.node.box import Box
from dcs.node.plant_words import words_for
from dcs.node.recorder import Recorder
from plant_models.library import PLANTS
from plant_models.model import PlantEvent
from tests.support.boxes import in_box


@pytest.mark.parametrize(
    ("plant", "condition", "active", "value", "words"),
    [
        ("cstr", "out_of_range:temperature", True, 512.3,
         "plant: temperature left its validity range: 512.3 K (250 … 500 K)"),
        ("cstr", "out_of_range:temperature", False, 499.0,
         "plant: temperature is back in its validity range: 499 K (250 … 500 K)"),
        ("drum_boiler", "out_of_range:pressure", True, 11.02e6,
         "plant: pressure left its validity range: 11.02 MPa (7 … 11 MPa)"),
        ("drum_boiler", "out_of_range:riser_quality", True, 0.51,
         "plant: riser_quality left its validity range: 51 % (0.1 … 50 %)"),
        ("quadruple_tank", "out_of_range:h_1", True, -0.001,
         "plant: h_1 left its validity range: -0.1 cm (0 … 50 cm)"),
        ("quadruple_tank", "overflow_1", True, 0.2, "plant: overflow_1 begins: tank 1 is full to the rim and spills"),
        ("quadruple_tank", "overflow_1", False, 0.199,
         "plant: overflow_1 is over: tank 1 is full to the rim and spills"),
        ("cstr", "out_of_range:temperature", True, math.nan,
         "plant: temperature is not a number any more; the plant is frozen where it stood before and goes on from a "
         "snapshot only"),
        ("cstr", "out_of_range:concentration", True, -math.inf,
         "plant: concentration ran to infinity; the plant is frozen where it stood before and goes on from a "
         "snapshot only"),
    ],
)  # fmt: skip
def test_a_change_says_what_a_person_needs(plant: str, condition: str, active: bool, value: float, words: str) -> None:
    assert words_for(PlantEvent(1.0, condition, active, value), PLANTS[plant]) == words


def test_journal_and_status_of_a_plant_that_leaves_its_range_and_then_freezes() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        plant = box.field.simulation.plant
        assert box.field.report().state == "running"
        plant.parameters[10] = 0.9  # type: ignore[attr-defined]  # a rim beyond the validity range
        plant.states[0] = 0.6  # type: ignore[attr-defined]
        await box.run_for(4)
        report = box.field.report()
        assert report.state == "running"
        assert report.detail.endswith("outside its validity range: h_1")
        plant.states[1] = math.nan  # type: ignore[attr-defined]
        await box.run_for(4)
        report = box.field.report()
        assert report.state == "frozen"
        assert report.detail.endswith("stands still since: out_of_range:h_1, out_of_range:h_2")
        await box.run_for(4)
        texts = [event.text for event in recorder.events if event.text.startswith("plant: ")]
        assert texts[0].startswith("plant: h_1 left its validity range: 59")
        assert texts[0].endswith(" cm (0 … 50 cm)")
        assert texts[1].startswith("plant: h_2 is not a number any more")
        assert len(texts) == 2
        assert math.isfinite(recorder.trace("LIC-102.PV")[1][-1])

    in_box(story)
