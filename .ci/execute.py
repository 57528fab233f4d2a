"""Runs the code cells of a notebook as one program: python .ci/execute.py nbs/bench/85_gpu.ipynb"""
import json, sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
space = {"__name__": "__main__"}
for n, cell in enumerate(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {n}", "exec"), space)
