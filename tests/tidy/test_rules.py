"""The rules can fail: each of them against a line that breaks it and one that does not."""

import pytest

from tests.tidy import rules
from tests.tidy.rules import Rule, Source

LATER = "TO" + "DO"
HOME = "/ho" + "me/"

BREAKS: tuple[tuple[Rule, str], ...] = (
    (rules.file_is_one_noun, "\n" * 401),
    (rules.lines_fit, "x = 1\t"),
    (rules.lines_fit, "x" * 121),
    (rules.nothing_is_left_for_later, f"# {LATER} one day"),
    (rules.no_machine_paths, f"FILE = '{HOME}someone/file'"),
    (rules.module_has_a_header, "import os"),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept Exception:\n    log()"),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept:\n    pass"),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept (ValueError, BaseException):\n    pass"),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept Exception as exc:\n    log.error(exc)"),
    (rules.time_is_given, "import time\nx = time.monotonic()"),
    (rules.time_is_given, "from time import perf_counter as now\nx = now()"),
    (rules.time_is_given, "import datetime\nx = datetime.datetime.now()"),
    (rules.time_is_given, "import time\ntime.sleep(1)"),
    (rules.chance_is_seeded, "import random\nx = random.random()"),
    (rules.chance_is_seeded, "from random import choice\nx = choice([1])"),
    (rules.chance_is_seeded, "import numpy as np\nx = np.random.normal()"),
    (rules.chance_is_seeded, "import numpy as np\nx = np.random.default_rng()"),
    (rules.chance_is_seeded, "from random import Random\nx = Random()"),
    (rules.chance_is_seeded, "import uuid\nx = uuid.uuid4()"),
    (rules.order_is_certain, "for x in {'a', 'b'}:\n    f(x)"),
    (rules.order_is_certain, "y = [x for x in set(names)]"),
    (rules.order_is_certain, "key = hash(name)"),
    (rules.library_code_does_not_print, "print('hello')"),
    (rules.no_module_state, "seen = {}\ndef f(x):\n    seen[x] = 1"),
    (rules.no_module_state, "seen: list[int] = []\ndef f(x):\n    seen.append(x)"),
    (rules.no_module_state, "count = 0\ndef f():\n    global count\n    count += 1"),
)

KEEPS: tuple[tuple[Rule, str], ...] = (
    (rules.file_is_one_noun, "\n" * 400),
    (rules.no_machine_paths, "subject = 'plant/work/done'"),
    (rules.module_has_a_header, '"""What it is."""\nimport os'),
    (rules.module_has_a_header, ""),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept Exception:\n    undo()\n    raise"),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept ValueError:\n    pass"),
    (rules.no_swallowed_errors, "try:\n    f()\nexcept Exception as exc:\n    future.set_exception(exc)"),
    (rules.library_code_does_not_print, "print('x', file=self._console)"),
    (rules.lines_fit, "x" * 119 + "  # type: ignore[arg-type]"),
    (rules.no_module_state, "PLANTS = {}\ndef register(x):\n    PLANTS[x.name] = x"),
    (rules.time_is_given, "x = clock.monotonic_ns()\ny = event.time"),
    (rules.chance_is_seeded, "from random import Random\nx = Random(7).random()"),
    (rules.chance_is_seeded, "x = rng.normal()"),
    (rules.order_is_certain, "for x in sorted({'a', 'b'}):\n    f(x)"),
    (rules.no_module_state, "TABLE = {'a': 1}\ndef f(x):\n    return TABLE[x]"),
    (rules.no_module_state, "names = []\ndef f(x):\n    names = []\n    names.append(x)\n    return names"),
)


@pytest.mark.parametrize(("rule", "text"), BREAKS)
def test_a_breach_is_found_and_placed(rule: Rule, text: str) -> None:
    found = list(rule(Source("dcs/some/file.py", text)))
    assert found
    assert all(sentence.startswith("dcs/some/file.py:") and sentence.endswith(".") for sentence in found)


@pytest.mark.parametrize(("rule", "text"), KEEPS)
def test_what_keeps_the_rule_is_left_alone(rule: Rule, text: str) -> None:
    assert list(rule(Source("dcs/some/file.py", text))) == []


def test_the_clock_may_look_at_the_clock_and_the_command_line_may_print() -> None:
    assert not list(rules.time_is_given(Source("dcs/core/clock.py", "import time\nx = time.time_ns()")))
    assert not list(rules.library_code_does_not_print(Source("dcs/cli/table.py", "print(1)")))
