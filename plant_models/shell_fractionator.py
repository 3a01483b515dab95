r"""Shell heavy-oil fractionator: a crude unit's column with long dead times, tight limits and gains nobody is sure of.

Called by   ``plant_models.library``; run through ``PLANTS["shell_fractionator"].create()``.
Knows       its table of transfer functions; stepped by ``plant_models.transfer_functions``.

Three products leave the column; three circulating refluxes take heat out. Top and side draw have quality targets
(end points) that answer after a quarter to half an hour; the bottoms reflux temperature must not fall too low. The
reflux duties of the neighbours, who integrate their heat, are the disturbances. All inputs stay within ±0.5 and may
move 0.05 a minute; the problem asks for the two end points within ±0.5 always and within ±0.005 in the end.

Equations
---------
:math:`y_i = \sum_j \frac{(K_{ij} + \varepsilon_j \Delta K_{ij}) e^{-\theta_{ij} s}}{T_{ij} s + 1} u_j`, time in
minutes, everything a deviation from the nominal point. Each cell: :math:`K, T, \theta` and :math:`\Delta K`.

.. math::

    \begin{array}{l|lllll}
     & u_1 & u_2 & u_3 & d_1 & d_2 \\ \hline
    y_1 & 4.05, 50, 27, 2.11 & 1.77, 60, 28, 0.39 & 5.88, 50, 27, 0.59 & 1.20, 45, 27, 0.12 & 1.44, 40, 27, 0.16 \\
    y_2 & 5.39, 50, 18, 3.29 & 5.72, 60, 14, 0.57 & 6.90, 40, 15, 0.89 & 1.52, 25, 15, 0.13 & 1.83, 20, 15, 0.13 \\
    y_3 & 3.66, 9, 2, 2.29 & 1.65, 30, 20, 0.35 & 5.53, 40, 2, 0.67 & 1.16, 11, 0, 0.08 & 1.27, 6, 0, 0.08 \\
    y_4 & 5.92, 12, 11, 2.34 & 2.54, 27, 12, 0.24 & 8.10, 20, 2, 0.32 & 1.73, 5, 0, 0.02 & 1.79, 19, 0, 0.04 \\
    y_5 & 4.13, 8, 5, 1.71 & 2.38, 19, 7, 0.93 & 6.23, 10, 2, 0.30 & 1.31, 2, 0, 0.03 & 1.26, 22, 0, 0.02 \\
    y_6 & 4.06, 13, 8, 2.39 & 4.18, 33, 4, 0.35 & 6.53, 9, 1, 0.72 & 1.19, 19, 0, 0.08 & 1.17, 24, 0, 0.01 \\
    y_7 & 4.38, 33, 20, 3.11 & 4.42, 44, 22, 0.73 & 7.20, 19, 0, 1.33 & 1.14, 27, 0, 0.18 & 1.26, 32, 0, 0.18
    \end{array}

Symbols
-------
===========  ==============================================  ====  ====================================================
symbol       variable                                        unit  meaning
===========  ==============================================  ====  ====================================================
y_1, y_2     y1, y2                                          1     end points of top and side draw
y_3 … y_7    y3 … y7                                         1     temperatures: top, upper reflux, side draw,
                                                                   intermediate reflux, bottoms reflux
u_1 … u_3    u1 … u3                                         1     top draw, side draw, bottoms reflux duty
d_1, d_2     d1, d2, d1_measured, d2_measured                1     reflux duties of others: intermediate, upper
x_ij         part_11 … part_75                               1     part of y_i that column j (u_1 … u_3, d_1, d_2) adds
K_ij, ΔK_ij  gain_11 … gain_75, spread_11 … spread_75        1     gain and its uncertainty
ε_j          epsilon_1 … epsilon_5                           1     how far the gains of column j are off, −1 … 1
T_ij, θ_ij   lag_11 … lag_75, dead_time_11 … dead_time_75    s     time constant, dead time
u_j0, y_i0   nominal_input_1 … 5, nominal_output_1 … 7       1     nominal point: 0
(none)       lowest_output_1 … 7, highest_output_1 … 7       1     limits of what is believable
===========  ==============================================  ====  ====================================================

The problem was published in numbers without units: 1 is one unit of the deviation that its authors agreed on.

Validity
--------
Inputs and disturbances −0.5 … 0.5 (limits of the problem), ε −1 … 1. Deviations of up to 10 are given as the model says
them. Exact for inputs that are held; changes less than a second apart count by their mean over a second. Which of the
two disturbances is the upper and which the intermediate reflux differs between authors; the numbers do not.

Reference
---------
D. M. Prett, C. E. Garcia, Fundamental Process Control, Butterworths, 1988; D. M. Prett, M. Morari (eds.), The Shell
Process Control Workshop, Butterworths, 1987, 355–360.
"""

from plant_models.model import register
from plant_models.transfer_functions import Cell, Column, Row, transfer_function_plant

SHELL_FRACTIONATOR = register(
    transfer_function_plant(
        name="shell_fractionator",
        title="Shell heavy-oil fractionator",
        description="The Shell control problem: two end points with long dead times, a temperature that must not fall, "
        "inputs with narrow limits, and gains that may be off by half.",
        reference="D. M. Prett, C. E. Garcia, Fundamental Process Control, 1988",
        inputs=(
            Column("u1", "1", -0.5, 0.5, 0.0, "top draw"),
            Column("u2", "1", -0.5, 0.5, 0.0, "side draw"),
            Column("u3", "1", -0.5, 0.5, 0.0, "bottoms reflux duty"),
        ),
        disturbances=(
            Column("d1", "1", -0.5, 0.5, 0.0, "intermediate reflux duty"),
            Column("d2", "1", -0.5, 0.5, 0.0, "upper reflux duty"),
        ),
        outputs=(
            Row("y1", "1", -10.0, 10.0, 0.0, "top end point"),
            Row("y2", "1", -10.0, 10.0, 0.0, "side end point"),
            Row("y3", "1", -10.0, 10.0, 0.0, "top temperature"),
            Row("y4", "1", -10.0, 10.0, 0.0, "upper reflux temperature"),
            Row("y5", "1", -10.0, 10.0, 0.0, "side draw temperature"),
            Row("y6", "1", -10.0, 10.0, 0.0, "intermediate reflux temperature"),
            Row("y7", "1", -10.0, 10.0, 0.0, "bottoms reflux temperature"),
        ),
        cells=(
            (Cell(4.05, 50, 27, 2.11), Cell(1.77, 60, 28, 0.39), Cell(5.88, 50, 27, 0.59),
             Cell(1.20, 45, 27, 0.12), Cell(1.44, 40, 27, 0.16)),
            (Cell(5.39, 50, 18, 3.29), Cell(5.72, 60, 14, 0.57), Cell(6.90, 40, 15, 0.89),
             Cell(1.52, 25, 15, 0.13), Cell(1.83, 20, 15, 0.13)),
            (Cell(3.66, 9, 2, 2.29), Cell(1.65, 30, 20, 0.35), Cell(5.53, 40, 2, 0.67),
             Cell(1.16, 11, 0, 0.08), Cell(1.27, 6, 0, 0.08)),
            (Cell(5.92, 12, 11, 2.34), Cell(2.54, 27, 12, 0.24), Cell(8.10, 20, 2, 0.32),
             Cell(1.73, 5, 0, 0.02), Cell(1.79, 19, 0, 0.04)),
            (Cell(4.13, 8, 5, 1.71), Cell(2.38, 19, 7, 0.93), Cell(6.23, 10, 2, 0.30),
             Cell(1.31, 2, 0, 0.03), Cell(1.26, 22, 0, 0.02)),
            (Cell(4.06, 13, 8, 2.39), Cell(4.18, 33, 4, 0.35), Cell(6.53, 9, 1, 0.72),
             Cell(1.19, 19, 0, 0.08), Cell(1.17, 24, 0, 0.01)),
            (Cell(4.38, 33, 20, 3.11), Cell(4.42, 44, 22, 0.73), Cell(7.20, 19, 0, 1.33),
             Cell(1.14, 27, 0, 0.18), Cell(1.26, 32, 0, 0.18)),
        ),
        gain_unit="1",
        longest_dead_time_s=2400.0,
        loops=(("y1", "u1"), ("y2", "u2"), ("y7", "u3")),
    )
)  # fmt: skip
