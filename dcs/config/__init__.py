"""Configuration: read, checked whole, refused with file, line and remedy. Use ``load.load_plant``, ``find.find_config``."""
