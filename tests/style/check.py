#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the code that a compiler does not check. Prints TAP; a broken rule says file:line: what to do.

usage: check.py SOURCE_ROOT [RULE...]
A rule is a function that yields (path, line, text); adding one is adding a function with @rule.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
MAX_FILE, MAX_FUNCTION = 600, 70
RULES = []

# Who may include whom, by folder; a folder may always include itself and the public headers.
IR = {"libqnnflow/ops", "libqnnflow/graph"}
LAYERS = {
    "libqnnflow/include": set(),
    "libqnnflow/ops": IR,
    "libqnnflow/graph": IR,
    "libqnnflow/import": IR,
    "libqnnflow/passes": IR,
    "libqnnflow/quant": IR,
    "libqnnflow/plan": IR,
    "libqnnflow/backends/htp/dsp": {"kernels"},
    "libqnnflow/backends": IR | {"kernels", "libqnnflow/quant", "libqnnflow/plan", "libqnnflow/backends/htp/dsp"},
    "libqnnflow/runtime": IR | {"kernels", "libqnnflow/import", "libqnnflow/passes", "libqnnflow/quant",
                                "libqnnflow/plan", "libqnnflow/backends"},
    "libqnnflow/context": IR | {"libqnnflow/plan", "libqnnflow/backends", "libqnnflow/runtime"},
    "libqnnflow/profile": {"libqnnflow/runtime"},
    "libqnnflow/image": {"kernels"},
    "libqnnflow/decode": set(),
    "libqnnflow/config": set(),
    "libqnnflow/tools": set(),
    "kernels": {"kernels"},
    "gst-plugins": set(),
    "models": set(),
}
# Single headers that a lower layer may see, with the reason.
LAYER_EXCEPTIONS = {
    ("libqnnflow/ops", "kernels/blockquant/format.h"): "sizes of block formats are facts that shapes follow from",
    ("libqnnflow/ops", "kernels/blockquant/formats.inc"): "their names",
    ("libqnnflow/graph", "kernels/copy/copy_fast.h"): "large weights are brought into another order of dimensions",
    ("libqnnflow/import", "kernels/blockquant/format.h"): "files hold blocks",
    ("libqnnflow/backends", "libqnnflow/runtime/pool.h"): "the thread pool is handed to steps when they run",
    ("libqnnflow/backends", "libqnnflow/runtime/memory.h"): "aligned memory, which has no other home",
}
NO_GLIB = ("kernels/", "libqnnflow/backends/htp/dsp/")


def rule(function):
    RULES.append(function)
    return function


def walk():
    """Every source file of the project, relative to its root."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if not f.startswith(("build", ".", "__pycache__")))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), ROOT)


FILES = list(walk())
TEXTS = {}


def text_of(path):
    if path not in TEXTS:
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace", newline="") as file:
            TEXTS[path] = file.read()
    return TEXTS[path]


def sources(*suffixes):
    """Files written by hand with these suffixes."""
    return [p for p in FILES if p.endswith(suffixes) and ".pb-c." not in p]


def is_script(path):
    name = os.path.basename(path)
    return "." not in name and not name.isupper() and text_of(path).startswith("#!")


def lines_of(path):
    return text_of(path).split("\n")


def without_comments(text):
    """Comments and strings blanked, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def tool(*names):
    return next((shutil.which(n) for n in names if shutil.which(n)), None)


@rule
def formatted():
    """clang-format 14 leaves every C file as it is"""
    program = tool("clang-format-14")
    if not program:
        return "clang-format-14 is not installed"
    paths = [os.path.join(ROOT, p) for p in sources(".c", ".h")]
    result = subprocess.run([program, "--dry-run", "-style=file", *paths], capture_output=True, text=True, check=False)
    found = sorted(set(re.findall(r"^(.*?):(\d+):\d+: (?:warning|error):", result.stderr, re.M)))
    return [(os.path.relpath(p, ROOT), int(line), "not as clang-format has it; run clang-format-14 -i") for p, line in found]


def layer_of(path):
    return next((layer for layer in LAYERS if path.startswith(layer + "/")), None)


def resolve(path, name):
    """The project file that `#include "name"` in @path means; None for one that is made by the build."""
    for base in (os.path.dirname(path), ""):
        candidate = os.path.normpath(os.path.join(base, name))
        if os.path.exists(os.path.join(ROOT, candidate)):
            return candidate
    return None


@rule
def layers():
    """a folder includes only what DESIGN's layers allow"""
    found = []
    for path in sources(".c", ".h", ".inc"):
        layer = layer_of(path)
        if not layer:
            continue
        for number, line in enumerate(lines_of(path), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            if match[1] == "<":
                if path.startswith(NO_GLIB) and match[2].startswith(("glib", "gst/", "qnnflow/", "gio")):
                    found.append((path, number, f"plain C over kernels only, not <{match[2]}>"))
                if match[2].startswith("gst/") and not path.startswith(("gst-plugins/", "libqnnflow/tools/", "models/")):
                    found.append((path, number, "GStreamer belongs into gst-plugins and tools"))
                continue
            target = resolve(path, match[2])
            other = layer_of(target) if target else None
            if not other or other == layer or other in LAYERS[layer] or (layer, target) in LAYER_EXCEPTIONS:
                continue
            found.append((path, number, f"{layer} may not include {target}; see LAYERS in {os.path.basename(__file__)}"))
    return found


@rule
def file_length():
    """no source file has more than 600 lines"""
    return [(p, len(lines_of(p)), f"{len(lines_of(p))} lines, at most {MAX_FILE}: cut it where a second subject begins")
            for p in sources(".c", ".h", ".inc", ".py") if len(lines_of(p)) > MAX_FILE + 1]


@rule
def function_length():
    """no function has more than 70 lines"""
    found = []
    for path in sources(".c"):
        start = None
        for number, line in enumerate(lines_of(path), 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start + 1 > MAX_FUNCTION:
                    found.append((path, start, f"{number - start + 1} lines, at most {MAX_FUNCTION}: name its parts"))
                start = None
    return found


@rule
def no_switch_over_operators():
    """what an operator does is a row of a table, never a case"""
    found = []
    for path in sources(".c", ".h", ".inc"):
        for number, line in enumerate(without_comments(text_of(path)).split("\n"), 1):
            # In kernels `op` is the variant of one family, chosen by a constant and folded away.
            over = r"\bcase\s+QF_OP_" if path.startswith("kernels/") else r"\bcase\s+QF_OP_|\bswitch\s*\([^)]*\bop\b"
            if re.search(over, line):
                found.append((path, number, "a switch over operators; make it a table or a field of QfOpDef"))
    return found


@rule
def whitespace():
    """no tabs, no trailing blanks, no CRLF, a newline at the end"""
    found = []
    for path in sources(".c", ".h", ".inc", ".py", ".cl", ".gstp", ".build", ".md"):
        text = text_of(path)
        if text and not text.endswith("\n"):
            found.append((path, len(lines_of(path)), "the last line has no newline"))
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line or "\r" in line or (line.rstrip() != line and not path.endswith(".md")):
                found.append((path, number, "tab, carriage return or trailing blank"))
    return found


@rule
def heads():
    """a file opens with SPDX and says what it is"""
    found = []
    for path in sources(".c", ".h", ".py", ".inc"):
        lines = lines_of(path)
        first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        if "SPDX-License-Identifier: MIT" not in first:
            found.append((path, 1, "the first line is not /* SPDX-License-Identifier: MIT */"))
        elif path.endswith((".c", ".h")) and not any(line.startswith("/*") for line in lines[1:4]):
            found.append((path, 2, "no comment below SPDX says what the file is"))
    return found


@rule
def public_headers_alone():
    """every public header compiles alone, as C and as C++"""
    flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0"], capture_output=True, text=True, check=True).stdout.split()
    compilers = [(tool("cc", "gcc"), "c", "c11"), (tool("c++", "g++"), "c++", "c++14")]
    found = []
    for path in sources(".h"):
        if not path.startswith("libqnnflow/include/"):
            continue
        for program, language, standard in compilers:
            if not program:
                return f"no compiler for {language}"
            command = [program, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-std={standard}", "-x", language,
                       *flags, "-I", os.path.join(ROOT, "libqnnflow/include"), "-include",
                       os.path.join(ROOT, path), os.devnull]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                found.append((path, 1, f"does not compile alone as {language}: {result.stderr.strip()[:300]}"))
    return found


@rule
def public_functions_documented():
    """a comment stands above every public function (or above the group of lines it is in)"""
    found = []
    for path in sources(".h"):
        if not path.startswith("libqnnflow/include/"):
            continue
        lines = lines_of(path)
        for number, line in enumerate(lines):
            if not line.startswith("QF_API "):
                continue
            above = number - 1
            while above >= 0 and lines[above].strip() and "*/" not in lines[above]:
                above -= 1
            if above < 0 or "*/" not in lines[above]:
                found.append((path, number + 1, "no comment above this function or its group"))
    return found


@rule
def words():
    """no machine paths and no loose ends"""
    pattern = re.compile(r"/(?:work|farm)/|/tmp/[a-z]|/home/[a-z]|\b(?:TODO|FIXME|XXX|HACK)\b")
    found = []
    for path in FILES:
        if path == "tests/style/check.py" or not (is_script(path) or path.endswith(
                (".c", ".h", ".inc", ".py", ".md", ".gstp", ".build", ".txt", ".cl", ".labels"))):
            continue
        for number, line in enumerate(lines_of(path), 1):
            match = pattern.search(line)
            if match:
                found.append((path, number, f"'{match[0]}' does not belong into the repository"))
    return found


@rule
def names():
    """no identifier looks like the vendor's (Qnn..., qnn_...)"""
    found = []
    for path in sources(".c", ".h", ".inc"):
        for number, line in enumerate(without_comments(text_of(path)).split("\n"), 1):
            match = re.search(r"\b(?:Qnn[A-Z]\w*|qnn_\w+)", line)
            if match and not line.lstrip().startswith("#"):
                found.append((path, number, f"'{match[0]}': names are qf_..., Qf..., qfk_... and GstQnn..."))
    return found


@rule
def kernels_have_files():
    """every kernel that a .inc names is defined in a file of its folder, and no .c is left out of the build"""
    found = []
    for path in sources(".inc"):
        if not path.startswith("kernels/"):
            continue
        folder = os.path.dirname(path)
        code = "\n".join(text_of(p) for p in FILES if p.endswith((".c", ".h")) and os.path.dirname(p) == folder)
        for number, line in enumerate(without_comments(text_of(path)).split("\n"), 1):
            for name in re.findall(r"\bqfk_\w+", line):
                stem = re.sub(r"_[a-z0-9]+$", "", name)
                if not re.search(rf"\b{name}\b|\b{stem}_?\s*##|##\s*\w*", code):
                    found.append((path, number, f"{name} is defined nowhere in {folder}"))
    builds = "\n".join(text_of(p) for p in FILES if p.endswith("meson.build"))
    for path in sources(".c"):
        if path.startswith(("kernels/", "libqnnflow/", "gst-plugins/")) and f"'{os.path.basename(path)}'" not in builds:
            found.append((path, 1, "is in no meson.build"))
    return found


@rule
def hvx_intrinsics():
    """HVX files use only intrinsics whose meaning is tested"""
    listed = {}
    for suffix in ("", "_v68"):
        path = f"kernels/hvx/intrinsics{suffix}.inc"
        listed[suffix] = set(re.findall(r"\bQ6_\w+", text_of(path))) if path in FILES else set()
    listed["_v68"] |= listed[""]
    found = []
    for path in sources("_hvx.c", "_hvx.h", "_hvx_v68.c"):
        suffix = "_v68" if path.endswith("_v68.c") else ""
        for number, line in enumerate(without_comments(text_of(path)).split("\n"), 1):
            found += [(path, number, f"{name} has no line in kernels/hvx/intrinsics{suffix}.inc")
                      for name in re.findall(r"\bQ6_\w+", line) if name not in listed[suffix]]
            if re.match(r"\s*#\s*include\s*<(hexagon|hvx)", line):
                found.append((path, number, "include kernels/hvx/hvx.h, not the compiler's header"))
    return found


@rule
def scripts():
    """shell scripts parse"""
    found = []
    for path in FILES:
        if is_script(path) and "bash" in lines_of(path)[0]:
            result = subprocess.run(["bash", "-n", os.path.join(ROOT, path)], capture_output=True, text=True, check=False)
            if result.returncode:
                found.append((path, 1, result.stderr.strip()[:200]))
    return found


def self_test():
    """The rules see what they are for: a tree that breaks each of them is refused by each."""
    bad = {
        "libqnnflow/include/qnnflow/bad.h": "#include <glib.h>\nQF_API int qf_bad(Undefined x);\n\tint a;",
        "libqnnflow/ops/bad.c": '#include "../runtime/bad.h"\nstatic int Qnn_x(void)\n{\n' + "x;\n" * 700 +
                                "switch (node->op) {\ncase QF_OP_CONV: ;}\n}\n/* /work/x */\n",
        "libqnnflow/runtime/bad.h": "\n",
        "kernels/bad/bad.inc": "QFK_BAD(qfk_bad_avx2)\n",
        "kernels/bad/bad_hvx.c": "x = Q6_V_unlisted();\n",
        "bad": "#!/bin/bash\nif\n",
    }
    bad["libqnnflow/ops/bad.c"] = bad["libqnnflow/ops/bad.c"].replace("Qnn_x", "qnn_x")
    with tempfile.TemporaryDirectory() as folder:
        for path, text in bad.items():
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(text)
        result = subprocess.run([sys.executable, __file__, folder], capture_output=True, text=True, check=False)
    passed = re.findall(r"^ok \d+ - (\w+)(?!.*# SKIP).*$", result.stdout, re.M)
    return [("tests/style/check.py", 1, f"rule '{name}' does not see a file that breaks it") for name in passed]


def main():
    chosen = [r for r in RULES if len(sys.argv) < 3 or r.__name__ in sys.argv[2:]]
    if os.path.exists(os.path.join(ROOT, "tests/style/check.py")) and len(sys.argv) < 3:
        chosen.append(self_test)
    print(f"1..{len(chosen)}")
    failed = 0
    for number, check in enumerate(chosen, 1):
        found = check()
        if isinstance(found, str):
            print(f"ok {number} - {check.__name__} # SKIP {found}")
            continue
        for path, line, text in found:
            print(f"# {path}:{line}: {check.__name__}: {text}")
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {check.__name__}: {check.__doc__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
