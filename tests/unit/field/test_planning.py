"""Planned requests fetch everything, ask for no more than the protocol allows, and split no point."""

from hypothesis import given, settings
from hypothesis import strategies as st

from field_io.planning import plan_contiguous, plan_reads, plan_writes
from field_io.specs import TABLES, Forbidden, PointSpec


@st.composite
def register_maps(draw: st.DrawFn) -> list[PointSpec]:
    points = []
    for table in TABLES:
        at = draw(st.integers(0, 300))
        for number in range(draw(st.integers(0, 12))):
            bits = table in ("coil", "discrete")
            kind = "bool" if bits else draw(st.sampled_from(["int16", "float32", "float64", "bool"]))
            point = PointSpec(f"{table}-{number}", table, at, kind)
            points.append(point)
            at = point.end + draw(st.sampled_from([0, 0, 0, 1, 3, 15, 16, 17, 40, 200]))
    return draw(st.permutations(points))


@given(register_maps(), st.integers(0, 20), st.integers(4, 125))
@settings(max_examples=80, deadline=None)
def test_reads_cover_every_point_once_within_the_limits(
    points: list[PointSpec], gap_max: int, registers_max: int
) -> None:
    blocks = plan_reads(points, gap_max, registers_max, bits_max=50)
    assert sorted(p.name for block in blocks for p in block.points) == sorted(p.name for p in points)
    for block in blocks:
        bits = block.table in ("coil", "discrete")
        assert 1 <= block.count <= (50 if bits else registers_max)
        end = block.address
        for point in block.points:
            assert point.table == block.table
            assert block.address <= point.address
            assert point.end <= block.address + block.count
            assert point.address - end <= (16 * gap_max if bits else gap_max)
            end = point.end
        assert end == block.address + block.count, "nothing is asked for behind the last point"


FORBIDDEN = st.builds(
    lambda table, first, size: Forbidden(table, first, first + size), st.sampled_from(TABLES), st.integers(0, 700),
    st.integers(0, 30),
)  # fmt: skip


@given(register_maps(), st.integers(0, 20), st.lists(FORBIDDEN, max_size=8))
@settings(max_examples=80, deadline=None)
def test_no_read_touches_a_forbidden_address_and_nothing_else_is_left_out(
    points: list[PointSpec], gap_max: int, forbidden: list[Forbidden]
) -> None:
    blocks = plan_reads(points, gap_max, forbidden=forbidden)
    for block in blocks:
        for one in forbidden:
            assert one.table != block.table or one.last < block.address or one.first >= block.address + block.count
    hit = {p.name for p in points for f in forbidden if f.table == p.table and f.first < p.end and f.last >= p.address}
    assert {p.name for block in blocks for p in block.points} == {p.name for p in points} - hit


@given(register_maps())
@settings(max_examples=50, deadline=None)
def test_writes_touch_outputs_only(points: list[PointSpec]) -> None:
    for block in plan_writes(points) + plan_contiguous(points):
        assert sum(point.count for point in block.points) == block.count


def test_neighbours_share_one_request_and_a_wide_gap_costs_another() -> None:
    near = [PointSpec("A", "input", 0, "float32"), PointSpec("B", "input", 10, "int16")]
    assert [(block.address, block.count) for block in plan_reads(near, gap_max=16)] == [(0, 11)]
    assert [(block.address, block.count) for block in plan_reads(near, gap_max=7)] == [(0, 2), (10, 1)]


def test_a_full_table_is_read_in_blocks_of_125() -> None:
    points = [PointSpec(f"P{at}", "holding", at) for at in range(300)]
    assert [block.count for block in plan_reads(points)] == [125, 125, 50]
    assert [block.count for block in plan_writes(points)] == [123, 123, 54]


def test_a_point_inside_another_does_not_shorten_the_read() -> None:
    points = [PointSpec("WHOLE", "input", 0, "float64"), PointSpec("PART", "input", 1, "int16")]
    assert [(block.address, block.count) for block in plan_reads(points)] == [(0, 4)]
