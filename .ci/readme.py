"""README.md from nbs/index.ipynb; with --check, say whether it differs. Needs no Quarto."""
import json, re, sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]

def readme() -> str:
    parts = ["<!-- Made from nbs/index.ipynb by `make readme`; edit that. -->"]
    for cell in json.loads((root/"nbs/index.ipynb").read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if re.match(r"#\|\s*hide", source) or not source.strip(): continue
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"\]\((?!https?:|#|\.\./)([^)]+)\)", r"](nbs/\1)", source).replace("](../", "]("))
        elif cell["cell_type"] == "code":
            parts.append(f"```python\n{source}\n```")
    return "\n\n".join(parts) + "\n"

if __name__ == "__main__":
    target = root/"README.md"
    if "--check" not in sys.argv:
        target.write_text(readme(), encoding="utf-8")
    elif target.read_text(encoding="utf-8") != readme():
        sys.exit("README.md differs from nbs/index.ipynb: run `make readme`")
