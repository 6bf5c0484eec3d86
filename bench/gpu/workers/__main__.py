"""``-m bench.gpu.workers NAME OPTIONS``: one of the modules here.

Its ``records`` gets the options, one JSON object; each record that it yields is printed
as it comes, a JSON object a line.
"""

import json
import sys
from importlib import import_module

name, options = sys.argv[1:]
module = import_module(f"{__package__}.{name}")
for record in module.records(json.loads(options)):
    print(json.dumps(record), flush=True)
