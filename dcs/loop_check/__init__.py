"""Loop check: stroke an output, record what follows, sign off. Pure; driven by the command line and by the HMI."""
