"""Pages of ``docs/reference``, made from the declarations that the system itself runs by.

Called by   ``docs/generate_reference.py``. Each module returns the text of its pages; nothing here writes a file.
"""
