r"""Flows and pressures of a flowsheet: a network of branches between nodes, solved anew at every evaluation.

Called by   ``plant_models.units.run``, after every unit has said what its elements and nodes are like.
Knows       the tables; no unit type.
Promise     the answer follows from states and inputs alone, never from the answer before, so that derivatives have no
            memory; compiled and uncompiled code give the same bits.

Equations
---------
The drop along a branch of elements in series is quadratic in its flow, so the flow is found in closed form:

.. math::

    \Delta p &= p_\mathrm{from} - p_\mathrm{to} + \sum_e \Delta p_{\mathrm{head},e} = \Big(\sum_e R_e\Big) q |q| \\
    q &= \operatorname{sgn}(\Delta p)\, w \sqrt{|\Delta p| / \textstyle\sum_e R_e}, \qquad
         |\Delta p| \ge p_\mathrm{lam} \\
    q &= \operatorname{sgn}(\Delta p)\, w \sqrt{p_\mathrm{lam} / \textstyle\sum_e R_e}\;
         \frac{r (5 - r^2)}{4}, \qquad r = |\Delta p| / p_\mathrm{lam} < 1

The last line (:math:`p_\mathrm{lam}` = 10 Pa, laminar) joins with equal slope. :math:`w` = 0 … 1 is what the node
that it flows from can still give (a vessel that is nearly empty), 0 against a check valve. Junctions without a volume
have unknown pressures :math:`P_j`, with :math:`\sum_b q_{bj} = 0`. Every flow grows with its :math:`\Delta p`, so the
balances are the gradient of a convex function and have one solution. Newton's method with the matrix of slopes finds
it; along each direction :math:`d` the step is halved until :math:`F(P + t d) \cdot d` does not overshoot.

Reference
---------
G. Birkhoff and J. B. Diaz, Non-linear network problems, Quarterly of Applied Mathematics 13(4), 1956, 431–443;
E. Todini and S. Pilati, A gradient algorithm for the analysis of pipe networks, in Computer Applications in Water
Supply, vol. 1, 1988.
"""

import math

from plant_models.integrators import factorise, solve_factorised
from plant_models.kernel import kernel
from plant_models.units.table import (
    B_BACKWARD,
    B_DP,
    B_ELEMENT,
    B_ELEMENTS,
    B_FLOW,
    B_FORWARD,
    B_FROM,
    B_ONE_WAY,
    B_SLOPE,
    B_TO,
    BRANCH_COLUMNS,
    E_HEAD,
    E_ONE_WAY,
    E_P_IN,
    E_P_OUT,
    E_R,
    ELEMENT_COLUMNS,
    H_ROUNDS,
    N_BRANCHES,
    N_GIVES,
    N_JUNCTION,
    N_P,
    NODE_COLUMNS,
    Net,
)

P_LAMINAR_PA = 10.0
_ROUNDS_MAX = 100
_HALVINGS_MAX = 40
_TOLERANCE = 1e-14  # of what flows through the junctions
_ROUNDING = 1e-9  # below it, an error that no longer falls is that of the rounding
_LITTLE = 1e-18  # m3/s/Pa, so that a junction behind closed valves keeps its pressure


@kernel
def flow_of(dp_pa: float, forward: float, backward: float) -> float:
    """Flow, m3/s, at a driving difference ``dp_pa``; ``forward``, ``backward``: m3/s per √Pa in either direction."""
    size_pa = abs(dp_pa)
    if size_pa >= P_LAMINAR_PA:
        root = math.sqrt(size_pa)
    else:
        r = size_pa / P_LAMINAR_PA
        root = math.sqrt(P_LAMINAR_PA) * 0.25 * r * (5.0 - r * r)
    return forward * root if dp_pa > 0.0 else -backward * root


@kernel
def slope_of(dp_pa: float, forward: float, backward: float) -> float:
    """Derivative of ``flow_of`` by its first argument, m3/s/Pa."""
    size_pa = abs(dp_pa)
    if size_pa >= P_LAMINAR_PA:
        slope = 0.5 / math.sqrt(size_pa)
    else:
        r = size_pa / P_LAMINAR_PA
        slope = 0.25 * (5.0 - 3.0 * r * r) / math.sqrt(P_LAMINAR_PA)
    return forward * slope if dp_pa > 0.0 else backward * slope


@kernel
def _join_elements(net: Net) -> None:
    """Conductances and heads of all branches from their elements and end nodes."""
    for b in range(net.branch_count):
        row = net.branches + BRANCH_COLUMNS * b
        resistance, head_pa = 0.0, 0.0
        closed = False
        one_way = net.k[row + B_ONE_WAY] != 0.0
        first = int(net.k[row + B_ELEMENT])
        for e in range(first, first + int(net.k[row + B_ELEMENTS])):
            at = net.elements + ELEMENT_COLUMNS * e
            if net.k[at + E_R] < 0.0:
                closed = True
            else:
                resistance += net.k[at + E_R]
            head_pa += net.k[at + E_HEAD]
            if net.k[at + E_ONE_WAY] != 0.0:
                one_way = True
        conductance = 0.0 if closed or resistance <= 0.0 else 1.0 / math.sqrt(resistance)
        source, target = int(net.k[row + B_FROM]), int(net.k[row + B_TO])
        net.k[row + B_FORWARD] = conductance * net.k[net.nodes + NODE_COLUMNS * source + N_GIVES]
        backward = 0.0 if one_way else conductance * net.k[net.nodes + NODE_COLUMNS * target + N_GIVES]
        net.k[row + B_BACKWARD] = backward
        net.k[row + B_SLOPE] = head_pa  # for now: the head


@kernel
def _flows(net: Net) -> None:
    """Flow of every branch at the node pressures as they are."""
    for b in range(net.branch_count):
        row = net.branches + BRANCH_COLUMNS * b
        p_from = net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_FROM]) + N_P]
        p_to = net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_TO]) + N_P]
        dp_pa = p_from - p_to + net.k[row + B_SLOPE]
        net.k[row + B_DP] = dp_pa
        net.k[row + B_FLOW] = flow_of(dp_pa, net.k[row + B_FORWARD], net.k[row + B_BACKWARD])


@kernel
def _balances(net: Net) -> float:
    """``net.balance``: what flows into every junction and does not leave. Returns the sum of all flows there."""
    total = 0.0
    for j in range(net.junction_count):
        net.k[net.balance + j] = 0.0
    for b in range(net.branch_count):
        row = net.branches + BRANCH_COLUMNS * b
        q = net.k[row + B_FLOW]
        source = int(net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_FROM]) + N_JUNCTION])
        target = int(net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_TO]) + N_JUNCTION])
        if source >= 0:
            net.k[net.balance + source] -= q
            total += abs(q)
        if target >= 0:
            net.k[net.balance + target] += q
            total += abs(q)
    return total


@kernel
def _fill_matrix(net: Net) -> None:
    """Slopes of the balances, with the sign that makes the matrix positive."""
    count = net.junction_count
    for at in range(count * count):
        net.k[net.matrix + at] = 0.0
    for j in range(count):
        net.k[net.matrix + j * count + j] = _LITTLE
    for b in range(net.branch_count):
        row = net.branches + BRANCH_COLUMNS * b
        slope = slope_of(
            net.k[row + B_DP],
            net.k[row + B_FORWARD],
            net.k[row + B_BACKWARD],
        )
        i = int(net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_FROM]) + N_JUNCTION])
        j = int(net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_TO]) + N_JUNCTION])
        if i >= 0:
            net.k[net.matrix + i * count + i] += slope
        if j >= 0:
            net.k[net.matrix + j * count + j] += slope
        if i >= 0 and j >= 0 and i != j:
            net.k[net.matrix + i * count + j] -= slope
            net.k[net.matrix + j * count + i] -= slope
        elif i >= 0 and i == j:
            net.k[net.matrix + i * count + i] -= 2.0 * slope


@kernel
def _move(net: Net, step: float) -> float:
    """Move the junctions by ``step`` along ``net.way``; returns the projection of the balances on that way."""
    count = net.junction_count
    for j in range(count):
        net.k[net.nodes + NODE_COLUMNS * int(net.k[net.junctions + j]) + N_P] += step * net.k[net.way + j]
    _flows(net)
    _balances(net)
    projection = 0.0
    for j in range(count):
        projection += net.k[net.balance + j] * net.k[net.way + j]
    return projection


@kernel
def _solve_junctions(net: Net) -> None:
    """Pressures of junctions such that as much flows in as out."""
    count = net.junction_count
    mean_pa, known = 0.0, 0
    for n in range(net.node_count):
        if (
            net.k[net.nodes + NODE_COLUMNS * n + N_JUNCTION] < 0.0
            and net.k[net.nodes + NODE_COLUMNS * n + N_BRANCHES] > 0.0
        ):
            mean_pa += net.k[net.nodes + NODE_COLUMNS * n + N_P]
            known += 1
    for j in range(count):
        net.k[net.nodes + NODE_COLUMNS * int(net.k[net.junctions + j]) + N_P] = mean_pa / max(known, 1)
    _flows(net)
    last = math.inf
    for rounds in range(_ROUNDS_MAX):
        net.k[net.head + H_ROUNDS] = rounds
        total = _balances(net)
        worst = 0.0
        for j in range(count):
            worst = max(worst, abs(net.k[net.balance + j]))
        if worst <= _TOLERANCE * total or (worst <= _ROUNDING * total and worst >= 0.5 * last):
            return
        last = worst
        _fill_matrix(net)
        factorise(net.k[net.matrix : net.matrix + count * count + count], count)
        before = 0.0
        for j in range(count):
            net.k[net.way + j] = net.k[net.balance + j]
        solve_factorised(net.k[net.matrix : net.matrix + count * count + count], net.k[net.way : net.way + count])
        for j in range(count):
            before += net.k[net.balance + j] * net.k[net.way + j]
        step, projection = 1.0, _move(net, 1.0)
        for _ in range(_HALVINGS_MAX):
            if projection >= -0.5 * before:
                break
            step *= 0.5
            projection = _move(net, -step)


@kernel
def _share_drop(net: Net, row: int) -> None:
    """Pressures before and after every element of a branch: the drop is where the resistance is, or what closes it."""
    first = int(net.k[row + B_ELEMENT])
    last = first + int(net.k[row + B_ELEMENTS])
    dp_pa = net.k[row + B_DP]
    total, closed, checks = 0.0, 0.0, 0.0
    for e in range(first, last):
        at = net.elements + ELEMENT_COLUMNS * e
        if net.k[at + E_R] < 0.0:
            closed += 1.0
        else:
            total += net.k[at + E_R]
        if net.k[at + E_ONE_WAY] != 0.0:
            checks += 1.0
    at_node = dp_pa < 0.0 and closed == 0.0 and checks == 0.0 and net.k[row + B_ONE_WAY] != 0.0
    p_pa = net.k[net.nodes + NODE_COLUMNS * int(net.k[row + B_FROM]) + N_P]
    for e in range(first, last):
        at = net.elements + ELEMENT_COLUMNS * e
        net.k[at + E_P_IN] = p_pa
        part = 0.0
        if closed > 0.0:
            part = 1.0 / closed if net.k[at + E_R] < 0.0 else 0.0
        elif checks > 0.0 and dp_pa < 0.0:
            part = 1.0 / checks if net.k[at + E_ONE_WAY] != 0.0 else 0.0
        elif total > 0.0 and not at_node:
            part = net.k[at + E_R] / total
        p_pa += net.k[at + E_HEAD] - part * dp_pa
        net.k[at + E_P_OUT] = p_pa


@kernel
def solve_network(net: Net) -> None:
    """Flow of every branch, pressure of every junction, pressures around every element."""
    _join_elements(net)
    if net.junction_count > 0:
        _solve_junctions(net)
    else:
        _flows(net)
    for b in range(net.branch_count):
        _share_drop(net, net.branches + BRANCH_COLUMNS * b)
