"""The Tennessee Eastman plant, complete: see ``plant``."""
