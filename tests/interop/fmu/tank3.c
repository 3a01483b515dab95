/* The tank of tank.h behind FMI 3.0 co-simulation. */
#include "fmi3Functions.h"
#include "tank.h"

typedef struct {
    Tank tank;
    int initialised;
    fmi3LogMessageCallback log;
} Instance;

const char *fmi3GetVersion(void) { return "3.0"; }

fmi3Status fmi3SetDebugLogging(fmi3Instance c, fmi3Boolean on, size_t n, const fmi3String categories[]) {
    (void)c; (void)on; (void)n; (void)categories;
    return fmi3OK;
}

fmi3Instance fmi3InstantiateCoSimulation(fmi3String name, fmi3String token, fmi3String resources, fmi3Boolean visible,
                                         fmi3Boolean logging, fmi3Boolean events, fmi3Boolean early,
                                         const fmi3ValueReference wanted[], size_t n, fmi3InstanceEnvironment around,
                                         fmi3LogMessageCallback log, fmi3IntermediateUpdateCallback update) {
    (void)name; (void)resources; (void)visible; (void)logging; (void)events; (void)early;
    (void)wanted; (void)n; (void)around; (void)update;
    if (strcmp(token, "tank-3") != 0) return NULL;
    Instance *one = calloc(1, sizeof *one);
    one->log = log;
    tank_start(&one->tank);
    return one;
}

void fmi3FreeInstance(fmi3Instance c) { free(c); }

fmi3Status fmi3EnterInitializationMode(fmi3Instance c, fmi3Boolean has_tolerance, fmi3Float64 tolerance,
                                       fmi3Float64 start, fmi3Boolean has_stop, fmi3Float64 stop) {
    (void)c; (void)has_tolerance; (void)tolerance; (void)start; (void)has_stop; (void)stop;
    return fmi3OK;
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance c) {
    Instance *one = c;
    one->initialised = 1;
    tank_outputs(&one->tank);
    return fmi3OK;
}

fmi3Status fmi3Terminate(fmi3Instance c) { (void)c; return fmi3OK; }

fmi3Status fmi3Reset(fmi3Instance c) {
    Instance *one = c;
    tank_start(&one->tank);
    one->initialised = 0;
    return fmi3OK;
}

#define GET(TYPE)                                                                               \
    fmi3Status fmi3Get##TYPE(fmi3Instance c, const fmi3ValueReference vr[], size_t n,             \
                             fmi3##TYPE x[], size_t values) {                                   \
        Instance *one = c;                                                                      \
        if (one->initialised) tank_outputs(&one->tank);                                         \
        if (n != values) return fmi3Error;                                                      \
        for (size_t i = 0; i < n; i++) {                                                        \
            if (vr[i] >= VARIABLES) return fmi3Error;                                           \
            x[i] = (fmi3##TYPE)one->tank.value[vr[i]];                                          \
        }                                                                                       \
        return fmi3OK;                                                                          \
    }
#define SET(TYPE)                                                                               \
    fmi3Status fmi3Set##TYPE(fmi3Instance c, const fmi3ValueReference vr[], size_t n,             \
                             const fmi3##TYPE x[], size_t values) {                             \
        Instance *one = c;                                                                      \
        for (size_t i = 0; i < n && n == values; i++) {                                         \
            if (vr[i] >= VARIABLES || (vr[i] == AREA && (one->initialised || x[i] <= 0))) {     \
                one->log(NULL, fmi3Error, "error", "the area cannot be that now");              \
                return fmi3Error;                                                               \
            }                                                                                   \
            one->tank.value[vr[i]] = x[i];                                                      \
        }                                                                                       \
        return fmi3OK;                                                                          \
    }
GET(Float64)
GET(Int32)
GET(Boolean)
SET(Float64)
SET(Int32)
SET(Boolean)

fmi3Status fmi3EnterStepMode(fmi3Instance c) { (void)c; return fmi3OK; }

fmi3Status fmi3DoStep(fmi3Instance c, fmi3Float64 at, fmi3Float64 dt, fmi3Boolean never_back, fmi3Boolean *event,
                      fmi3Boolean *ended, fmi3Boolean *early, fmi3Float64 *reached) {
    Instance *one = c;
    (void)never_back;
    *event = *early = *ended = fmi3False;
    *reached = at + dt;
    switch (tank_step(&one->tank, dt)) {
    case 1:
        one->log(NULL, fmi3Error, "error", "the tank has burst");
        return fmi3Error;
    case 2:
        *ended = fmi3True;
        return fmi3OK;
    default:
        return fmi3OK;
    }
}

fmi3Status fmi3GetFMUState(fmi3Instance c, fmi3FMUState *state) {
    Instance *one = c;
    if (*state == NULL) *state = calloc(1, sizeof(Tank));
    memcpy(*state, &one->tank, sizeof(Tank));
    return fmi3OK;
}

fmi3Status fmi3SetFMUState(fmi3Instance c, fmi3FMUState state) {
    Instance *one = c;
    memcpy(&one->tank, state, sizeof(Tank));
    return fmi3OK;
}

fmi3Status fmi3FreeFMUState(fmi3Instance c, fmi3FMUState *state) {
    (void)c;
    free(*state);
    *state = NULL;
    return fmi3OK;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance c, fmi3FMUState state, size_t *size) {
    (void)c; (void)state;
    *size = sizeof(Tank);
    return fmi3OK;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance c, fmi3FMUState state, fmi3Byte bytes[], size_t size) {
    (void)c;
    memcpy(bytes, state, size);
    return fmi3OK;
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance c, const fmi3Byte bytes[], size_t size, fmi3FMUState *state) {
    (void)c;
    if (size != sizeof(Tank)) return fmi3Error;
    *state = malloc(size);
    memcpy(*state, bytes, size);
    return fmi3OK;
}
