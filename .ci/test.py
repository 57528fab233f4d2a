"""Everything that CI runs, one named check after the other; exits non-zero if one fails.

python .ci/test.py            all checks
python .ci/test.py wheel      only the named ones
"""
import ast, csv, graphlib, hashlib, io, json, os, re, shutil, subprocess, sys, tempfile, time, tokenize, venv
from importlib import metadata
from pathlib import Path
from packaging.requirements import Requirement

root = Path(__file__).resolve().parents[1]
notebooks = sorted(p for p in (root/"nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in str(p)
                   and "_proc" not in str(p))
unversioned = (".venv", ".git", "runs", "build", "*.egg-info", "_proc", "_docs", "__pycache__")
templates = sorted((root/"nbs/cells").glob("*.ipynb"))

def sh(*args, cwd=root, env=None, quiet=False):
    r = subprocess.run([str(a) for a in args], cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL,
                       capture_output=quiet)
    if r.returncode:
        raise AssertionError(f"{' '.join(map(str, args))} ended with {r.returncode}"
                             + (f"\n{r.stdout[-3000:]}{r.stderr[-3000:]}" if quiet else ""))
    return r.stdout

def tool(name): return Path(sys.executable).with_name(name)

def synchronised():
    "Cleaned notebooks and exported modules leave no difference."
    files = lambda: {p: hashlib.sha256(p.read_bytes()).hexdigest()
                     for p in [*notebooks, *(root/"megssl_nb").rglob("*.py")]}
    before = files()
    sh(tool("nbdev_clean"), quiet=True)
    sh(tool("nbdev_export"), quiet=True)
    after = files()
    changed = sorted(str(p.relative_to(root)) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    assert not changed, f"changed by nbdev_clean or nbdev_export, commit the result: {changed}"

def parameters():
    "Every papermill template has exactly one cell tagged `parameters`."
    assert templates, "no templates in nbs/cells"
    for t in templates:
        tagged = sum("parameters" in c["metadata"].get("tags", []) for c in json.loads(t.read_text())["cells"])
        assert tagged == 1, f"{t.name}: {tagged} cells tagged 'parameters'"

def links():
    "Every link from a page to another one leads somewhere."
    lost = [f"{n.relative_to(root)}: {link}" for n in notebooks for cell in json.loads(n.read_text())["cells"]
            if cell["cell_type"] == "markdown"
            for link in re.findall(r"\]\(([^):#]+?\.ipynb)", "".join(cell["source"])) if not (n.parent/link).exists()]
    assert not lost, "\n".join(lost)

def layout():
    "Links are links, notebooks are of a readable size, a page has its own number, outputs name no machine's paths."
    for link in ("nbs/_quarto.yml", "megssl_nb/cells", "megssl_nb/named"):
        assert (root/link).is_symlink() and (root/link).exists(), f"{link} must be a link"
    for n in notebooks:
        assert n.stat().st_size <= 262144, f"{n.relative_to(root)}: {n.stat().st_size // 1024} kB of at most 256"
        outputs = json.dumps([c.get("outputs") for c in json.loads(n.read_text(encoding="utf-8"))["cells"]])
        assert "/tmp/" not in outputs, f"{n.relative_to(root)}: an output names a temporary folder"
    pages = {}
    for n in notebooks:
        if n.name[0].isdigit():
            other = pages.setdefault(n.name.partition("_")[0], n)
            assert other == n, f"{n.relative_to(root)} and {other.relative_to(root)} have one number"

def crowded(code):
    """The lines of a text that are wider than 120 characters or hold two statements.

    A header may carry its body when that is one `raise`, `return`, `continue`, `break`, `pass`, `yield` or text."""
    short = (ast.Raise, ast.Return, ast.Continue, ast.Break, ast.Pass)
    wide = {k for k, line in enumerate(code.splitlines(), 1) if len(line) > 120}
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    several = {t.start[0] for t in tokens if t.type == tokenize.OP and t.string == ";"}
    for node in ast.walk(ast.parse(code)):
        for body in (getattr(node, part, None) for part in ("body", "orelse", "finalbody")):
            if not isinstance(body, list) or not body or isinstance(node, ast.Module): continue
            one = body[0]
            said = isinstance(one, ast.Expr) and isinstance(one.value, (ast.Constant, ast.Yield))
            elif_ = isinstance(node, ast.If) and body is node.orelse and isinstance(one, ast.If)
            header = code.splitlines()[one.lineno - 1][:one.col_offset].strip()
            alone = len(body) == 1 and (said or isinstance(one, short))
            if header and not header.startswith("@") and not elif_ and not alone:
                several.add(one.lineno)
    return sorted(wide | several)

def lines():
    "Lines of modules and of notebook cells have at most 120 characters and one statement."
    texts = {}
    for path in [*(root/"megssl_nb").rglob("*.py"), *(root/".ci").glob("*.py"), root/"setup.py"]:
        if path.name != "_modidx.py":
            texts[str(path.relative_to(root))] = re.sub(r"(?ms)^__all__ = .*?\]$", "", path.read_text(encoding="utf-8"))
    for n in notebooks:
        for k, cell in enumerate(json.loads(n.read_text(encoding="utf-8"))["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and not source.startswith("%%"):
                texts[f"{n.relative_to(root)} cell {k}"] = source
    found = [f"{name}, line {k}" for name, text in texts.items() for k in crowded(text)]
    assert not found, "\n".join(found)

rooms = ["core", "machine", "sources", "store", "windows", "models", "pretext", "train", "evaluation", "studies",
         "reporting", "commands"]

# random streams for torch, and batches
torch_begins = ("megssl_nb.core.config", "megssl_nb.windows.batches")

def imports():
    """A room imports only from itself and from rooms below it; no module imports itself in a circle; torch starts at
    batches."""
    package = root/"megssl_nb"
    names = {p: ".".join(p.relative_to(root).with_suffix("").parts) for p in package.rglob("*.py")
             if p.name not in ("_modidx.py",)}
    wrong, edges = [], {}
    for path, name in sorted(names.items()):
        room = name.split(".")[1]
        if room not in rooms: continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = ".".join([*name.split(".")[:-node.level],
                                 *filter(None, [node.module])]) if node.level else node.module
                found = [base, *(f"{base}.{a.name}" for a in node.names)]
            else: continue
            for f in found:
                without = room in ("core", "sources", "store", "windows") and name not in torch_begins
                if without and f.split(".")[0] == "torch":
                    wrong.append(f"{name} imports torch")
                if f in names.values() and f != name:
                    edges.setdefault(name, set()).add(f)
                other = f.split(".")[1] if f.startswith("megssl_nb.") else None
                if other in rooms and rooms.index(other) > rooms.index(room):
                    wrong.append(f"{name} imports {f}")
                if other == "testing":
                    wrong.append(f"{name} imports {f}")
    assert not wrong, "\n".join(sorted(set(wrong)))
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as e: raise AssertionError(f"a circle of imports: {' <- '.join(e.args[1])}") from None

def definitions():
    "The exported modules: (module, its names in `__all__`, its syntax tree)."
    for path in sorted((root/"megssl_nb").rglob("*.py")):
        if path.name in ("_modidx.py", "__init__.py"): continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [ast.literal_eval(n.value) for n in tree.body
                  if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__"]
        yield ".".join(path.relative_to(root).with_suffix("").parts), public[0] if public else [], tree

def parameters_of(function):
    a = function.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, [a.vararg, a.kwarg])]
    return [x for x in every if x.arg not in ("self", "cls")]

# the words of `transformers.Wav2Vec2Config` and of its models, which users bring along
borrowed = ("megssl_nb.models.meg2vec.meg2vec_config", "megssl_nb.models.meg2vec.Meg2VecForPreTraining.__init__")

def names():
    "A public name has one module; a function has at most eight parameters."
    homes, many = {}, []
    for module, public, tree in definitions():
        for name in public:
            homes.setdefault(name, []).append(module)
        def visit(node, within):
            for child in ast.iter_child_nodes(node):
                named = isinstance(child, (ast.FunctionDef, ast.ClassDef))
                here = f"{within}.{child.name}" if named else within
                if isinstance(child, ast.FunctionDef) and here not in borrowed:
                    n = len(parameters_of(child))
                    many.extend([f"{here}: {n} parameters"] * (n > 8))
                visit(child, here)
        visit(tree, module)
    wrong = [f"{name}: in {' and '.join(where)}" for name, where in homes.items() if len(where) > 1] + many
    assert not wrong, "\n".join(wrong)

# parameters whose type a package defines that is imported where it is used, or that several things can be
lazily = {"results", "summary", "effects", "curves", "frame", "table", "rows", "row", "column", # pandas
          "ax", "fig", "decoder", "checkup",  # matplotlib, scikit-learn, Lightning
          "dask", "pool", "future",           # an executor of this machine or a Dask cluster
          "store", "r"}                       # Store or Index, and a recording of either

def types():
    "Public functions and methods above the store say the types of their parameters."
    missing, n = [], 0
    for module, public, tree in definitions():
        if module.split(".")[1] not in rooms[rooms.index("windows"):]: continue
        for node in tree.body:
            if getattr(node, "name", None) not in public: continue
            known = isinstance(node, ast.ClassDef)
            for f in node.body if known else [node]:
                if not isinstance(f, ast.FunctionDef) or known and f.name.startswith("_") and f.name != "__init__":
                    continue
                several = {f.args.vararg, f.args.kwarg}
                for x in parameters_of(f):
                    if x in several or x.arg == "_" or x.arg in lazily and x.annotation is None: continue
                    n += 1
                    if x.annotation is None:
                        missing.append(f"{module}.{node.name}: {f.name}({x.arg})")
    print(f"    {n} parameters")
    assert not missing, "\n".join(missing)

def readme():
    "README.md is what nbs/index.ipynb says."
    sh(sys.executable, ".ci/readme.py", "--check")

def light_import():
    "`import megssl_nb` loads no heavy package; each name that it offers is there, in `dir`, by `import *`, in `help`."
    code = """
import pydoc, sys
import megssl_nb
public = set(megssl_nb.__all__)
assert {'prepare', 'Store', 'pretrain', 'report'} <= public
assert {n for n in dir(megssl_nb) if not n.startswith('_')} == public, dir(megssl_nb)
absent = [n for n in public if n not in megssl_nb.__doc__]
assert not absent, f'not in the docstring: {absent}'
heavy = {'torch', 'mne', 'sklearn', 'pandas', 'matplotlib', 'lightning', 'scipy'} & set(sys.modules)
assert not heavy, heavy
there = {name: getattr(megssl_nb, name) for name in dir(megssl_nb)}
try: megssl_nb.prepere
except AttributeError as e: assert e.name == 'prepere' and e.obj is megssl_nb and 'prepere' in str(e), e
else: raise AssertionError('a misspelt name')
given = {}
exec('from megssl_nb import *', given)
assert given.keys() - {'__builtins__'} == public and all(given[n] is there[n] for n in public)
told = pydoc.render_doc(megssl_nb, renderer=pydoc.plaintext)
absent = [n for n in public if f' {n}(' not in told]
assert not absent, f'not in help: {absent}'
"""
    sh(sys.executable, "-c", code)

def notebook_tests():
    "nbdev_test over all notebooks, two more at a time than there are cores: some wait for processes of their own."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:  # pages leave their files for who reads on
        os.chmod(d, 0o755)  # one page is another user for a while
        sh(tool("nbdev_test"), "--timing", "--n_workers", os.cpu_count() + 2, "--do_print",
           env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": d})

def crowded_imports(cells):
    "Numbers of the cells that import and do more: nbdev runs whole cells with imports for the site."
    still = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for i, c in enumerate(cells):
        source = "".join(c["source"])
        if c["cell_type"] != "code" or source.startswith("%%") or "#| export" in source: continue
        tree = ast.parse("".join(x for x in source.splitlines(True) if x[0] not in "%!"))
        if any(isinstance(x, (ast.Import, ast.ImportFrom)) for x in ast.walk(tree)):
            if sum(not isinstance(x, still) for x in tree.body) > 1: yield i

def documentation():
    "nbdev processes every notebook for the site (Quarto itself is not needed here), which runs nothing but imports."
    crowded = [f"{n.relative_to(root)}: cell {i} imports and does more" for n in notebooks
               for i in crowded_imports(json.loads(n.read_text(encoding="utf-8"))["cells"])]
    assert not crowded, "\n".join(crowded)
    code = """
import os, sys
from pathlib import Path
from nbdev.processors import FilterDefaults
from nbdev.serve_drv import main
failed = {}
for notebook in sorted(Path('nbs').resolve().rglob('[!_]*.ipynb')):
    if '.ipynb_checkpoints' in str(notebook): continue
    try: main((notebook, Path(sys.argv[1])/notebook.name, FilterDefaults))
    except Exception as e: failed[notebook.name] = str(e)[:400]
print(*(f'{n}: {e}' for n, e in failed.items()), sep='\\n', file=sys.stderr, flush=True)
os._exit(bool(failed))  # IPython takes a second to leave the shell of each page
"""
    with tempfile.TemporaryDirectory() as d:
        sh(sys.executable, "-W", "ignore", "-c", code, d, quiet=True)

quarto = """#!/bin/sh
# Stands in for Quarto, for the calls that nbdev makes: a page of the site, or one notebook as markdown.
set -e
case "$*" in
  --version) echo 1.9.38 ;;
  "render --no-cache") mkdir -p _docs && echo page > _docs/index.html ;;
  "render "*" -o "*" -t gfm --no-execute") test -f "$2" && mkdir -p _docs && echo rendered > "_docs/$4" ;;
  *) echo "no stand-in for: quarto $*" >&2; exit 1 ;;
esac
"""

def site():
    "`make docs` and `nbdev_prepare` build what they should and leave README.md and every other source as it was."
    pages = ("index.ipynb", "core/00_core.ipynb", "tutorials/53_cluster.ipynb")
    with tempfile.TemporaryDirectory() as d:
        copy = Path(d)/"copy"
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(*unversioned))
        for n in (copy/"nbs").rglob("*.ipynb"):
            if n.relative_to(copy/"nbs").as_posix() not in pages:
                n.unlink()
        (Path(d)/"quarto").write_text(quarto)
        (Path(d)/"quarto").chmod(0o755)
        env = os.environ | {"PATH": f"{d}:{os.environ['PATH']}", "PYTHONPATH": str(copy)}
        def state():
            names = {p.relative_to(copy) for p in copy.rglob("*") if p.is_symlink() or p.is_file()}
            sources = [n for n in names if not {"_proc", "_docs", "__pycache__"} & set(n.parts)]
            return {str(n): os.readlink(copy/n) if (copy/n).is_symlink() else (copy/n).read_bytes() for n in sources}
        os.utime(copy/"README.md", (0, 0)) # older than the index: nbdev would render it anew
        before = state()
        def run(*args):
            sh(*args, cwd=copy, env=env, quiet=True)
            after = state()
            changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
            assert not changed, f"{Path(args[0]).name} changed {changed}"
        run("make", "-o", "env", "docs", f"BIN={tool('x').parent}")
        assert (copy/"_docs/index.html").is_file() and (copy/"_proc/images/report.png").is_file()
        run(tool("nbdev_prepare"))
        refused = subprocess.run([tool("nbdev_readme")], cwd=copy, env=env, capture_output=True)
        assert refused.returncode, "nbdev_readme must fail, `make readme` writes README.md"
        assert state() == before, "nbdev_readme must change nothing"

def own_files(folder):
    "Write what the page on files of one's own writes: its cells that begin with %%writefile, and its tables."
    page = json.loads((root/"nbs/tutorials/52_your_own_files.ipynb").read_text(encoding="utf-8"))
    for cell in ("".join(c["source"]) for c in page["cells"] if c["cell_type"] == "code"):
        first, _, text = cell.partition("\n")
        if first.startswith("%%writefile "):
            (folder/first.split()[1]).write_text(text + "\n", encoding="utf-8")
        if "to_csv" in cell:
            code = "from pathlib import Path\nimport numpy as np, pandas as pd\n" + cell
            sh(sys.executable, "-c", code, cwd=folder, quiet=True)

def only_required(folder, wheel):
    """A virtual environment with a wheel and what it requires, without extras: links to the packages of this
    environment, so that versions are the tested ones and nothing is unpacked twice."""
    venv.create(folder)
    sh(sys.executable, "-m", "pip", "--python", folder/"bin/python", "install", "--quiet", "--no-deps",
       "--disable-pip-version-check", wheel, quiet=True)
    site = next(folder.glob("lib/python*/site-packages"))
    todo, seen = [(r, "") for r in next(metadata.distributions(path=[str(site)])).requires], set()
    while todo:
        text, extra = todo.pop()
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({"extra": extra}): continue
        package = metadata.distribution(need.name)
        assert package.version in need.specifier, f"{text}: {package.version} is installed"
        todo += [(r, e) for e in {"", *need.extras} for r in package.requires or () if (r, e) not in seen]
        seen |= {(r, e) for e in {"", *need.extras} for r in package.requires or ()}
        for top in {f.parts[0] for f in package.files if f.parts[0] not in ("..", "__pycache__")}:
            if not (site/top).exists():
                (site/top).symlink_to(Path(package.locate_file(top)))

def wheel():
    "The wheel, installed in a clean environment, has its modules, templates and studies and runs small ablations."
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        source = d/"source"
        shutil.copytree(root, source, symlinks=True, ignore=shutil.ignore_patterns(*unversioned))
        sh(sys.executable, "-m", "build", "--wheel", "--outdir", d, source, quiet=True)
        only_required(d/"venv", next(d.glob("*.whl")))
        python = d/"venv/bin/python"
        modules = [".".join(p.relative_to(root).with_suffix("").parts) for p in (root/"megssl_nb").rglob("*.py")
                   if p.name != "__init__.py"]
        sh(python, "-c", f"import importlib\nfor m in {modules}: importlib.import_module(m)", cwd=d)
        sh(python, "-c",
           "from importlib.metadata import entry_points as e; assert [x.value for x in e(group='nbdev') if x.name == "
           "'megssl_nb'] == ['megssl_nb._modidx:d']", cwd=d)
        found = sh(python, "-c",
                   "from megssl_nb.commands import ablation as a; print(a.__file__); print(*sorted(p.name for p in "
                   "a.cells_folder.glob('*.ipynb')))", cwd=d, quiet=True)
        assert str(root) not in found and found.split()[1:] == [t.name for t in templates], found
        sh(python, "-c", "from megssl_nb.studies.study import named; assert (named/'pretrain.sbatch').is_file()",
           cwd=d)
        study = re.search(r"```yaml\n(.*?)```", (root/"README.md").read_text(), re.S)[1]
        env = {k: v for k, v in os.environ.items()
               if k not in ("PYTHONPATH", "VIRTUAL_ENV")} | {"PATH": f"{d/'venv/bin'}:{os.environ['PATH']}"}
        megssl = lambda *args: sh(d/"venv/bin/megssl", *args, cwd=d, env=env, quiet=True)
        (d/"study.yaml").write_text(study) # the README's own example, on simulated files
        megssl("simulate", "files", "--set", "n_times=8192", "--set", "chunks=1", "--quiet")
        (d/"source.yaml").write_text("{kind: course, root: files, n_times: null}") # shorter than the contract's 17.5 s
        megssl("prepare", "source.yaml", "store", "--set", "sfreq=128", "--set", "h_freq=45", "--quiet")
        small = [f"--set={x}"
                 for x in ("windows={kind: fixed, length: 1.0}", "evaluate.labels_per_class=[4]", "evaluate.epochs=1",
                           "evaluate.min_steps=1", "pretrain.epochs=1", "baselines=[majority]")]
        assert json.loads(megssl("plan", "study.yaml", "--json", *small))["saved"] == 30
        megssl("ablate", "study.yaml", "--cells", "none,M", "--seeds", "0", "--quiet", *small)
        with open(d/"runs/study/results.csv") as f:
            cells = {row["cell"] for row in csv.DictReader(f)}
        assert cells == {"none", "M", "baseline:majority"}, cells
        assert json.loads((d/"runs/study/failed.json").read_text()) == []
        (d/"runs/study/report.html").unlink()
        megssl("report", "runs/study")
        assert (d/"runs/study/report.html").stat().st_size > 20000
        (d/"own").mkdir()  # a study whose parts are files of the user's
        own_files(d/"own")
        sh(d/"venv/bin/megssl", "ablate", "study.yaml", "--quiet", cwd=d/"own", env=env, quiet=True)
        with open(d/"own/runs/own/results.csv") as f:
            cells = {row["cell"] for row in csv.DictReader(f)}
        assert cells == {"none", "next", "baseline:majority"}, cells
        own = ("data.store=store", "windows.length=1.0", "encoder.tokenizer={sfreq: 128, width: 16, dim: 32}",
               "encoder.context={dim: 32, layers: 1, heads: 2, ffn: 32}", "pretrain.max_steps=4", "pretrain.interval=2")
        checkpoint = d/megssl("pretrain", "meg2vec_custom", "--quiet", "--logger", "csv",
                              *(f"--set={x}" for x in own)).strip().splitlines()[-1]
        assert (checkpoint
                /"encoder.safetensors").is_file() and len((checkpoint/"history.csv").read_text().splitlines()) == 3

checks = [synchronised, parameters, links, layout, lines, imports, names, types, readme, light_import, documentation,
          site, notebook_tests, wheel]

def beside(check):
    "A check in a process of its own, with what it says."
    log = tempfile.TemporaryFile("w+")
    return subprocess.Popen([sys.executable, __file__, check.__name__], stdout=log, stderr=subprocess.STDOUT), log

if __name__ == "__main__":
    chosen = [c for c in checks if not sys.argv[1:] or c.__name__ in sys.argv[1:]]
    failed, start = 0, time.time()
    print(f"python {sys.version.split()[0]}, nbdev {__import__('nbdev').__version__}, {len(notebooks)} notebooks",
          flush=True)
    other = None
    for check in chosen:
        t = time.time()
        if wheel in chosen and check not in (synchronised, wheel) and not other:
            other = beside(wheel) # it waits for disks and for single processes, while the others run; told of last
        print(f"--- {check.__name__}: {check.__doc__}", flush=True)
        try:
            if other and check is wheel:
                process, log = other
                failed += process.wait() != 0
                log.seek(0)
                frame = ("python", "---", "took", "0 passed", "1 passed")
                print("".join(line for line in log if not line.startswith(frame)), end="", flush=True)
                continue
            check()
            print(f"    passed in {time.time() - t:.0f} s", flush=True)
        except AssertionError as e:
            failed += 1
            print(f"    FAILED: {e}", flush=True)
    print(f"took {time.time() - start:.0f} s\n{len(chosen) - failed} passed, {failed} failed", flush=True)
    sys.exit(bool(failed))
