"""YAML with marks: what scalars mean, where things stand, what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.config import source
from dcs.config.source import Document, parse_document, plain_value, read_document
from dcs.core.errors import ConfigError, Place


def test_every_key_knows_its_line() -> None:
    document = parse_document("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "f.yaml")
    assert document.data == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    assert document.place(("a", "b")) == Place("f.yaml", 2)
    assert document.place(("a", "c", 1, "d")) == Place("f.yaml", 5)
    assert document.place(("a", "c", 1, "nothing")) == Place("f.yaml", 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("no", "no"), ("Norway", "Norway"), ("1:30", "1:30"), ("012", 12), ("0x1F", 31),
        ("1_000", "1_000"), ("true", True), ("True", "True"), ("~", None), ("", None), ("1e3", 1000.0),
        (".5", 0.5), ("-3", -3), ("1.", 1.0), (".nan", ".nan"), ("2026-01-01", "2026-01-01"), ("16 cm", "16 cm"),
    ],
)  # fmt: skip
def test_plain_scalars_hold_no_surprises(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_quotes_make_a_text() -> None:
    assert parse_document("a: '12'\nb: \"true\"\n", "f").data == {"a": "12", "b": "true"}


def test_anchors_work() -> None:
    assert parse_document("a: &x {b: 1}\nc: *x\n", "f").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f:4: the key `c` is given twice, first on line 3. Delete one."),
        ("a: *x", "f:1: found undefined alias 'x'. Define it with `&name` further up."),
        ("a: &x [*x]", "f:1: an alias that contains itself. Write the values out."),
        ("a: 'x\nb: 1\n", "f:1: a quote is opened here and never closed. Close it."),
        ("a: !tag 1", "f:1: the tag `!tag` is not supported. Delete it."),
        ("a: 1\n---\nb: 2\n", "f:2: a second document starts here (`---`). Keep one document in the file."),
        ("? [1]\n: 2\n", "f:1: a list cannot be a key. Use a name."),
        ("- 1\n", "f:1: the file holds a list, but keys with values are needed, such as `key: value`."),
        ("a: " + "[" * 500, "f:1: is nested too deeply. Write it flatter."),
        ("a:\n\tb: 1\n", "f:2: a tab stands where spaces are needed. Indent with spaces."),
        ("a: @b\n", "f:1: the character `@` cannot begin a value. Put the value in quotes."),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f")
    assert str(caught.value) == message


def test_aliases_cannot_blow_up_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_NODES_MAX", 10_000)
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for i in range(1, 7):
        text += f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"
    with pytest.raises(ConfigError, match="unfold to more than 10,000 values"):
        parse_document(text, "f")


def test_a_byte_order_mark_is_no_trouble(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path).data == {"a": 1}


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    """Promise: no other exception, whatever stands in a file."""
    try:
        assert isinstance(parse_document(text, "f"), Document)
    except ConfigError as exc:
        place = exc.place
    else:
        return
    assert place.file == "f"
    assert place.line >= 1
