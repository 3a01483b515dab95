"""Pages of ``docs/reference``, made from the declarations that the system itself runs by.

Called by   ``docs/generate_reference.py``. Each module returns the text of its pages; nothing here writes a file.
Promise     the declarations are those of the checkout that this file stands in, also where another one is installed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
