"""Configuration: read, checked whole, refused with file, line and remedy. See ``load.load_plant``."""
