/* A tank with an outlet, the same for FMI 2 and FMI 3: A dh/dt = q - a sqrt(2 g h), explicit Euler with 0.01 s inside.
 *
 * fault: 1 = the next step fails, 2 = the level is not a number, 3 = the tank ends its simulation.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INNER_S 0.01

enum { INFLOW, DRAIN, LEVEL, OUTFLOW, STEPS, FULL, AREA, OUTLET, FAULT, VARIABLES };

typedef struct {
    double value[VARIABLES];
} Tank;

static void tank_outputs(Tank *tank) {
    double *v = tank->value;
    double opening = v[OUTLET] * (v[DRAIN] > 0.5 ? 2.0 : 1.0);
    v[OUTFLOW] = opening * sqrt(2.0 * 9.81 * (v[LEVEL] > 0.0 ? v[LEVEL] : 0.0));
    v[FULL] = v[LEVEL] > 1.0;
}

static void tank_start(Tank *tank) {
    static const double start[VARIABLES] = {1e-3, 0.0, 0.2, 0.0, 0.0, 0.0, 0.05, 5e-4, 0.0};
    memcpy(tank->value, start, sizeof start);
}

/* 0 = done, 1 = failed, 2 = ended */
static int tank_step(Tank *tank, double dt_s) {
    double *v = tank->value;
    int count = (int)(dt_s / INNER_S + 0.5);
    if (v[FAULT] == 1.0) return 1;
    if (v[FAULT] == 3.0) return 2;
    for (int i = 0; i < count; i++) {
        tank_outputs(tank);
        v[LEVEL] += INNER_S * (v[INFLOW] - v[OUTFLOW]) / v[AREA];
        if (v[LEVEL] < 0.0) v[LEVEL] = 0.0;
    }
    v[STEPS] += 1.0;
    if (v[FAULT] == 2.0) v[LEVEL] = NAN;
    tank_outputs(tank);
    return 0;
}
