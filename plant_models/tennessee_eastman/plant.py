r"""Tennessee Eastman: a reactor, a separator, a stripper and a recycle that are open-loop unstable together.

Called by   ``plant_models.library``; run through ``PLANTS["tennessee_eastman"].create()``.
Knows       the parts of this package: equations in ``evaluation``, steps in ``stepping``, settings in ``modes``.

Gases A, C, D, E make the liquid products G and H (and the by-product F) over a catalyst; B is inert. The reactor's
vapour is condensed and separated, its gas goes back through a compressor past a purge, its liquid to a stripper that
the A and C feed blows out. Reaction heat and pressure run away within an hour or two if nobody controls them.

Equations
---------
Holdups n and energies E of reactor R, separator S, stripper sump C and mixing zone V; flows F, compositions x, y, z;
time in hours:

.. math::

    \dot n_R &= z_V F_6 - y_R F_8 + \nu r \\
    \dot n_S &= y_R F_8 - y_S (F_9 + F_{10}) - x_S F_{11} \\
    \dot n_C &= f_{12} - x_C F_{13} \\
    \dot n_V &= z_1 F_1 + z_2 F_2 + z_3 F_3 + f_5 + y_S F_9 - z_V F_6 \\
    \dot E_R &= H_6 F_6 - H_8 F_8 + Q_{rx} + Q_R \\
    \dot E_S &= H_8 F_8 - H_9 F_9 - H_{10} F_{10} - H_{11} F_{11} + Q_S \\
    \dot E_C &= H_4 F_4 + H_{11} F_{11} - H_5 F_5 - H_{13} F_{13} + Q_C \\
    \dot E_V &= H_1 F_1 + H_2 F_2 + H_3 F_3 + H_5 F_5 + H_9 F_9 - H_6 F_6 \\
    \dot T_w &= [500.53 f_w (T_{cw} - T_w) - Q / 1.8] / m_w, \qquad \dot v_j = (u_j - v_j) / \tau_j

Reactor and separator hold A, B, C in the vapour and D … H in the liquid; Raoult's law gives the vapour's share:

.. math::

    N h_L(x, T) &= E, \qquad P = \sum p_i, \qquad y_i = p_i / P \\
    p_i &= \frac{n_i R (T + 273.15)}{V - N/\rho}\ (i \le C), \qquad
    p_i = x_i \exp\Bigl(A_i + \frac{B_i}{T + C_i}\Bigr)\ (i \ge D)

Reactions A + C + D → G, A + C + E → H, A + E → F, 3 D → 2 F:

.. math::

    r_1, r_2 \propto e^{-E/RT} p_A^{1.1544} p_C^{0.3735} p_{D,E}, \qquad r_3, r_4 \propto e^{-E/RT} p_A p_{E,D}

Flows between vessels go with the root of the pressure difference; the compressor's with the cube of the pressure
ratio. Beyond a shutdown limit all derivatives are zero: the model stands still, as published.

Symbols
-------
=============  =========================  ======  ================================================================
symbol         variable                   unit    meaning
=============  =========================  ======  ================================================================
n              y1 … y8, y10 … y17         lbmol   holdups of A … H in reactor and separator
n              y19 … y26, y28 … y35       lbmol   holdups of A … H in stripper sump and mixing zone
E              y9, y18, y27, y36          MBtu    their energies, 10⁶ Btu
T_w            y37, y38                   degC    cooling water outlets of reactor and condenser
v_j            y39 … y50                  %       valve positions
u_j            xmv1 … xmv12               %       valve demands
F              xmeas1, 4, 5, 6, 10        kscmh   gas flows, thousand standard m3/h
F              xmeas2, 3, 19              kg/h    feeds of D and E, steam
F              xmeas14, 17                m3/h    liquid flows
P              xmeas7, 13, 16             kPa     gauge pressures
V_L            xmeas8, 12, 15             %       levels
T              xmeas9, 11, 18, 21, 22     degC    temperatures
W              xmeas20                    kW      compressor
x, y, z        xmeas23 … xmeas41          mol%    analysers, sampled every 0.1 h (gas) and 0.25 h (product) and
                                                  shown one period late
               idv1 … idv20               1       disturbances: 0 = off, anything above = on
               noise                      1       measurement noise, times the published standard deviations
               shared_generator           1       1 = one queue of random numbers for noise and disturbances
               operating_cost             $/h     losses, compression and steam
               g_to_h                     1       mass ratio of the products
V_L            reactor_volume,            m3      liquids, without noise
               separator_volume,
               stripper_volume
               gas_samples,               1       samples that the analysers have shown
               product_samples
=============  =========================  ======  ================================================================

Units are the published ones, not SI: every constant of the model is in them.

Validity
--------
Between the shutdown limits (conditions ``trip_…``), with liquid in every vessel. Below 5.3 degC and above 170 degC the
stripper follows made-up ends of a curve; temperatures are sought within −100 … 205 degC. Explicit Euler with 1 s is how
the plant was published, and its trajectories are reproduced to the stored digits; RK4 with 1 s or less is the exact
solution to nine digits. That holds while gas flows as at the base case. With feeds shut and the bypass open, the root
of a small pressure difference makes the equations so stiff that Euler and RK4 jump by degrees from second to second,
even with 50 ms; ``stiff`` with 1 s does not, and ends where RK4 with 20 ms does. Random signals, noise and analysers
change at whole seconds, whatever the step (analysers a second later with less than 1 s: their clock rounds otherwise).

Random numbers follow from the seed alone: 0 starts the generator of the disturbances at 4651207995 (the reference
trajectories), a seed from 2³⁰ to 2³³ is its start, others are scrambled. Noise comes from streams of its own, counted
by measurement and second, unless ``shared_generator`` is 1.

Reference
---------
J. J. Downs, E. F. Vogel, A plant-wide industrial process control problem, Computers and Chemical Engineering 17(3),
1993, 245–255. Modes: N. L. Ricker, Optimal steady-state operation of the Tennessee Eastman challenge process, Computers
and Chemical Engineering 19(9), 1995, 949–959. Kept as published though not physics: reaction 4 has A in its rate but
not in its balance; the separator pays the heat of compression; the condenser is driven by the reactor's temperature.
"""

from plant_models.compiled import Kernels, compiled_factory
from plant_models.kernel import Parts
from plant_models.model import PlantType, register
from plant_models.tennessee_eastman.closed_loop import TennesseeEastmanControl
from plant_models.tennessee_eastman.generator import start_of
from plant_models.tennessee_eastman.layout import GENERATOR, KEPT, SEED
from plant_models.tennessee_eastman.modes import SETTINGS
from plant_models.tennessee_eastman.stepping import (
    advance,
    before,
    begin_memory,
    derivatives,
    forget,
    measure,
    settle,
    warm,
)
from plant_models.tennessee_eastman.variables import CONDITIONS, VARIABLES

_SEED_BITS = 53  # a double holds whole numbers of that many bits


def begin(p: Parts, seed: int) -> None:
    """The plant's memory at the start."""
    p.kept[GENERATOR] = start_of(seed)
    p.kept[SEED] = (seed ^ (seed >> _SEED_BITS)) & ((1 << _SEED_BITS) - 1)
    begin_memory(p)
    measure(p)
    warm(p.kept)


TENNESSEE_EASTMAN = register(
    PlantType(
        name="tennessee_eastman",
        title="Tennessee Eastman",
        description="The process industry's test plant: reactor, condenser, separator, recycle compressor and stripper "
        "with 12 valves, 41 measurements and 20 disturbances; open-loop unstable.",
        reference="J. J. Downs and E. F. Vogel, Computers and Chemical Engineering 17(3), 1993, 245–255",
        variables=VARIABLES,
        settings=SETTINGS,
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure, begin, before, forget)),
        conditions=CONDITIONS,
        step_s=1.0,
        integrator="euler",
        kept=KEPT,
        reference_control=TennesseeEastmanControl,
    )
)
