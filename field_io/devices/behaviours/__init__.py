"""What goes on inside simulated devices; one file a type, declared in ``field_io.behaviours``."""
