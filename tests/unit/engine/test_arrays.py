"""Promises of array fields, text parameters and block events, from the declaration to the journal."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dcs.blocks.declare import BLOCK_TYPES, Text, Translation, block_type, f8, i8, signal, signals
from dcs.core.errors import ConfigError
from dcs.core.status import STATUS_GOOD, STATUS_NOT_CONNECTED, is_usable
from dcs.engine.compile import compile_strategy
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.engine.strategies import Bench, any_bits, strategy


def translate(given: Mapping[str, Any]) -> Translation:
    words = str(given.get("words", "")).split()
    return Translation({"code": tuple(float(len(word)) for word in words)}, {"event": ("NONE", *words)})


@pytest.fixture
def weighted(monkeypatch) -> Iterator[None]:
    """A type with an array of terminals, an array of weights, and an event when the sum passes 100."""
    monkeypatch.setattr("dcs.blocks.declare.BLOCK_TYPES", BLOCK_TYPES)
    kind = block_type(
        "WEIGHTED",
        "Weighted sum",
        inputs=[signals("inp", 3, "%", "summand")],
        state=[i8("inp_linked", "1 when wired", count=3), i8("event", "code"), f8("event_value", "", "which")],
        outputs=[signal("out", "%", "sum"), f8("parts", "%", "summands", count=3)],
        params=[f8("weight", "", "weight", default=1.0, count=3), i8("code", "codes", count=4)],
        optional_inputs=("inp",),
        published={"OUT": "out", "PART2": "parts_2", "W3": "weight_3"},
        writable=("W3",),
        texts=[Text("words", "words to count")],
        translate=translate,
        events={1: "passed the limit with {name}, {value}"},
    )
    kind.step = weigh
    yield
    del BLOCK_TYPES["WEIGHTED"]


def weigh(b: Any, dt_s: float) -> None:
    total = 0.0
    for i in range(3):
        b.parts[i] = 0.0
        if b.inp_linked[i] != 0 and is_usable(b.inp_status[i]):
            b.parts[i] = b.weight[i] * b.inp[i]
            total += b.parts[i]
    if total > 100.0 and b.out <= 100.0:
        b.event = 1
        b.event_value = 1.0 * b.code[1]
    b.out = total
    b.out_status = STATUS_GOOD


def bench(compiled: bool) -> Bench:
    block = BlockSpec(
        "W.w", "WEIGHTED", "loops", {"weight": (2.0, 3.0), "code": (9.0, 2.0)}, {}, {"event": ("NONE", "ab", "cd")}
    )
    links = [("A", "W.w.inp_1"), ("B", "W.w.inp_3")]
    return Bench.of(strategy((block,), links, (Channel("A", "in", "%"), Channel("B", "in", "%"))), compiled)


@pytest.mark.usefixtures("weighted")
@pytest.mark.parametrize("compiled", [True, False])
def test_elements_are_terminals_parameters_and_tags(compiled):
    """Promise: element k of an array is wired, linked, defaulted, published and written like a field of its own."""
    at = bench(compiled)
    at.reads = {"A": 10.0, "B": 5.0}
    at.scan()
    assert [at[f"W.w.inp_linked_{k}"] for k in (1, 2, 3)] == [1, 0, 1]
    assert at["W.w.inp_status_2"] == STATUS_NOT_CONNECTED
    assert at["W.w.out"] == 2.0 * 10.0 + 1.0 * 5.0
    at.must_set("W.w.W3", 20.0)
    at.scan()
    assert at["W.w.parts_3"] == 100.0
    assert at["W.w.weight_2"] == 3.0
    events = [event for event in at.engine.take_events() if event.kind == "process"]
    assert [event.text for event in events] == ["W.w passed the limit with cd, 2"]


@pytest.mark.usefixtures("weighted")
def test_compiled_and_uncompiled_arrays_give_the_same_bytes():
    """Promise: the memory is the same to the last bit."""
    images = []
    for compiled in (True, False):
        at = bench(compiled)
        for k in range(20):
            at.reads = {"A": 0.1 * k, "B": 7.0 / (k + 1)}
            at.scan()
        images.append(any_bits(at.engine.memory))
    assert images[0] == images[1]


@pytest.mark.usefixtures("weighted")
@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (("A", "W.w.inp"), "is no input of WEIGHTED. Its inputs are inp_1, inp_2, inp_3."),
        (("A", "W.w.inp_4"), "has no input terminal or output channel `inp_4`"),
    ],
)
def test_wire_to_no_element_is_refused(link, sentence):
    spec = strategy((BlockSpec("W.w", "WEIGHTED", "loops"),), [link], (Channel("A", "in", "%"),))
    with pytest.raises(ConfigError, match=sentence.replace(".", r"\.")):
        compile_strategy(spec)


@pytest.mark.usefixtures("weighted")
def test_list_that_is_too_long_is_refused():
    spec = strategy((BlockSpec("W.w", "WEIGHTED", "loops", {"weight": (1.0,) * 4}),), [])
    with pytest.raises(ConfigError, match="`weight` has 4 elements; 3 are possible"):
        compile_strategy(spec)


def test_element_name_that_is_taken_is_refused():
    with pytest.raises(ConfigError, match="`x_2` is declared twice"):
        block_type("TWICE", "Twice", inputs=[signals("x", 3, "", "array")], params=[f8("x_2", "", "clash")])
