/* Functions of FMI 2.0 that must be there and that the tank does not offer: each says so. */
#define NONE(name) int name(void) { return 3; }

NONE(fmi2GetDirectionalDerivative)
NONE(fmi2GetIntegerStatus)
NONE(fmi2GetRealOutputDerivatives)
NONE(fmi2GetRealStatus)
NONE(fmi2GetStatus)
NONE(fmi2GetString)
NONE(fmi2GetStringStatus)
NONE(fmi2SetRealInputDerivatives)
NONE(fmi2SetString)
