"Read `settings.ini` and hand it to setuptools."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

config = ConfigParser(delimiters=["="])
config.read(Path(__file__).parent / "settings.ini", encoding="utf-8")
s = config["DEFAULT"]
lib = s["lib_path"]
extras = {key.removesuffix("_requirements"): s[key].split() for key in s if key.endswith("_requirements")}

setup(
    name=s["lib_name"], version=s["version"], description=s["description"], keywords=s["keywords"],
    author=s["author"], author_email=s["author_email"], url=s["git_url"], license="Apache-2.0",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=f">={s['min_python']}", install_requires=s["requirements"].split(), extras_require=extras,
    packages=find_packages(include=[lib, f"{lib}.*"]),
    package_data={lib: ["cells/*.ipynb", "named/*.yaml", "named/*.sbatch", "named/cells/*.yaml"]},
    entry_points={"console_scripts": s["console_scripts"].split(), "nbdev": [f"{lib}={lib}._modidx:d"]},
)
