/* The tank of tank.h behind FMI 2.0 co-simulation. */
#include "fmi2Functions.h"
#include "tank.h"

typedef struct {
    Tank tank;
    int initialised;
    int ended;
    fmi2CallbackFunctions callbacks;
} Instance;

const char *fmi2GetTypesPlatform(void) { return "default"; }
const char *fmi2GetVersion(void) { return "2.0"; }

fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean on, size_t n, const fmi2String categories[]) {
    (void)c; (void)on; (void)n; (void)categories;
    return fmi2OK;
}

fmi2Component fmi2Instantiate(fmi2String name, fmi2Type type, fmi2String guid, fmi2String resources,
                              const fmi2CallbackFunctions *callbacks, fmi2Boolean visible, fmi2Boolean logging) {
    (void)name; (void)resources; (void)visible; (void)logging;
    if (type != fmi2CoSimulation || strcmp(guid, "tank-2") != 0) return NULL;
    Instance *one = calloc(1, sizeof *one);
    one->callbacks = *callbacks;
    tank_start(&one->tank);
    return one;
}

void fmi2FreeInstance(fmi2Component c) { free(c); }

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean has_tolerance, fmi2Real tolerance, fmi2Real start,
                               fmi2Boolean has_stop, fmi2Real stop) {
    (void)c; (void)has_tolerance; (void)tolerance; (void)start; (void)has_stop; (void)stop;
    return fmi2OK;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c) { (void)c; return fmi2OK; }

fmi2Status fmi2ExitInitializationMode(fmi2Component c) {
    Instance *one = c;
    one->initialised = 1;
    tank_outputs(&one->tank);
    return fmi2OK;
}

fmi2Status fmi2Terminate(fmi2Component c) { (void)c; return fmi2OK; }

fmi2Status fmi2Reset(fmi2Component c) {
    Instance *one = c;
    tank_start(&one->tank);
    one->initialised = one->ended = 0;
    return fmi2OK;
}

#define GET(TYPE)                                                                                      \
    fmi2Status fmi2Get##TYPE(fmi2Component c, const fmi2ValueReference vr[], size_t n, fmi2##TYPE x[]) { \
        Instance *one = c;                                                                             \
        if (one->initialised) tank_outputs(&one->tank);                                                \
        for (size_t i = 0; i < n; i++) {                                                               \
            if (vr[i] >= VARIABLES) return fmi2Error;                                                  \
            x[i] = (fmi2##TYPE)one->tank.value[vr[i]];                                                 \
        }                                                                                              \
        return fmi2OK;                                                                                 \
    }
#define SET(TYPE)                                                                                            \
    fmi2Status fmi2Set##TYPE(fmi2Component c, const fmi2ValueReference vr[], size_t n, const fmi2##TYPE x[]) { \
        Instance *one = c;                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                                     \
            if (vr[i] >= VARIABLES || (vr[i] == AREA && (one->initialised || x[i] <= 0))) {                  \
                one->callbacks.logger(NULL, "tank", fmi2Error, "error", "the area cannot be that now");      \
                return fmi2Error;                                                                            \
            }                                                                                                \
            one->tank.value[vr[i]] = x[i];                                                                   \
        }                                                                                                    \
        return fmi2OK;                                                                                       \
    }
GET(Real)
GET(Integer)
GET(Boolean)
SET(Real)
SET(Integer)
SET(Boolean)

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real at, fmi2Real dt, fmi2Boolean never_back) {
    Instance *one = c;
    (void)at; (void)never_back;
    switch (tank_step(&one->tank, dt)) {
    case 1:
        one->callbacks.logger(NULL, "tank", fmi2Error, "error", "the tank has burst");
        return fmi2Error;
    case 2:
        one->ended = 1;
        return fmi2Discard;
    default:
        return fmi2OK;
    }
}

fmi2Status fmi2CancelStep(fmi2Component c) { (void)c; return fmi2Error; }

fmi2Status fmi2GetBooleanStatus(fmi2Component c, const fmi2StatusKind kind, fmi2Boolean *value) {
    Instance *one = c;
    *value = kind == fmi2Terminated && one->ended;
    return fmi2OK;
}

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate *state) {
    Instance *one = c;
    if (*state == NULL) *state = calloc(1, sizeof(Tank));
    memcpy(*state, &one->tank, sizeof(Tank));
    return fmi2OK;
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate state) {
    Instance *one = c;
    memcpy(&one->tank, state, sizeof(Tank));
    return fmi2OK;
}

fmi2Status fmi2FreeFMUstate(fmi2Component c, fmi2FMUstate *state) {
    (void)c;
    free(*state);
    *state = NULL;
    return fmi2OK;
}

fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate state, size_t *size) {
    (void)c; (void)state;
    *size = sizeof(Tank);
    return fmi2OK;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate state, fmi2Byte bytes[], size_t size) {
    (void)c;
    memcpy(bytes, state, size);
    return fmi2OK;
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte bytes[], size_t size, fmi2FMUstate *state) {
    (void)c;
    if (size != sizeof(Tank)) return fmi2Error;
    *state = malloc(size);
    memcpy(*state, bytes, size);
    return fmi2OK;
}
