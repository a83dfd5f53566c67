"""The rules of the house, held: sizes, documents that tell the truth, one place per wording."""

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
JAVA_SOURCES = sorted((ROOT / "src").rglob("*.java"))


def test_files_stay_small() -> None:
    sources = [*SOURCES, *JAVA_SOURCES]
    long = {str(path.relative_to(ROOT)): n for path in sources if (n := len(path.read_text().splitlines())) > 400}
    assert not long


def test_every_module_says_what_it_decides() -> None:
    silent = [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    silent += [
        str(path)
        for path in JAVA_SOURCES
        if not re.search(r"\*/\n(@.*\n)*[\w ]*(class|interface|enum) ", path.read_text())
    ]
    assert not silent


@pytest.mark.parametrize("name", ["api", "configuration", "environments"])
def test_generated_documents_are_fresh(name: str) -> None:
    made = runpy.run_path(str(ROOT / "docs" / f"make_{name}.py"))["text"]()
    assert (ROOT / "docs" / f"{name}.md").read_text() == made, f"run python docs/make_{name}.py"


@pytest.mark.parametrize(
    "document", ["ARCHITECTURE.md", "README.md", "SECURITY.md", "SPECIFICATION.md", "CONTRIBUTING.md"]
)
def test_paths_in_documents_exist(document: str) -> None:
    """Whatever looks like a path of ours is one."""
    text = (ROOT / document).read_text()
    named = set(re.findall(r"(?:src|tests|docs|bench|examples)/[\w./-]+\w", text)) | set(
        re.findall(r"\]\(([\w./-]+)", text)
    )
    rooms = {path.name for path in (ROOT / "src/lambdad").iterdir() if path.is_dir()}
    for path in re.findall(r"`([\w/]+\.(?:py|json))", text):
        room = path.split("/")[0]
        if room in rooms:
            named.add(f"src/lambdad/{path}")
    missing = [path for path in named if not (ROOT / path).exists() and path != "bench/results.md"]
    assert not missing


def test_each_wording_of_an_error_stands_in_one_place() -> None:
    wordings = ["Function not found", "Function already exist", "Could not unzip uploaded file", "Task timed out after"]
    for wording in wordings:
        places = [path for path in SOURCES if wording in path.read_text()]
        assert len(places) == 1, (wording, places)


def test_no_broad_except_outside_the_edge() -> None:
    broad = [
        str(p.relative_to(ROOT)) for p in SOURCES for line in p.read_text().splitlines() if "except Exception" in line
    ]
    assert len(broad) <= 9, broad


def test_tests_do_not_sleep() -> None:
    """But for the two places that wait for conditions; what functions under test do is their own business."""
    waiting = {"wait.py", "sandbox_suite.py", "test_house.py"}
    sleepers = []
    for path in (ROOT / "tests").rglob("*.py"):
        code = re.sub(r'""".*?"""|"[^"\n]*"', "", path.read_text(), flags=re.DOTALL)
        if path.name not in waiting and re.search(r"^\s*(await asyncio|time)\.sleep\(", code, re.MULTILINE):
            sleepers.append(path.name)
    assert not sleepers


def test_every_promise_has_a_number_of_its_own() -> None:
    numbers = re.findall(r"^\| ([A-Z]+\d+) \|", (ROOT / "SPECIFICATION.md").read_text(), re.MULTILINE)
    assert numbers
    assert len(numbers) == len(set(numbers)), sorted(numbers)
