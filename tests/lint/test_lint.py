"""The lint catches what it says it catches: one breach per rule."""

import importlib.machinery
import importlib.util
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
loader = importlib.machinery.SourceFileLoader("lint", str(HERE / "lint"))
spec = importlib.util.spec_from_loader("lint", loader)
lint = importlib.util.module_from_spec(spec)
loader.exec_module(lint)

GOOD_HEADER = "#ifndef BASE_A_H\n#define BASE_A_H\n#endif /* BASE_A_H */\n"
# Complexity 2: a table of rows (complexity 1) may be long.
LONG = "int\nf(void)\n{\n    if (a) { b(); }\n" + "    g();\n" * 70 + "}\n"

BREACHES = [
    ("dependencies", "webhook/a.c", '#include "haproxy/plan.h"\n'),
    ("dependencies", "haproxy/a.c", '#include "lib/kube/object.h"\n'),
    ("dependencies", "lib/base/a.c", '#include "lib/ingress/key.h"\n'),
    ("dependencies", "lib/ingress/a.c", '#include "lib/kube/http.h"\n'),
    ("doors", "webhook/a.c", "#include <microhttpd.h>\n"),
    ("doors", "reconciler/a.c", "#include <curl/curl.h>\n"),
    ("banned", "cli/a.c", "x = strcpy(a, b);\n"),
    ("sizes", "cli/a.c", "int x;\n" * 601),
    ("sizes", "tests/cli/test_a.py", "x = 1\n" * 601),
    ("functions", "cli/a.c", LONG),
    ("comments", "cli/a.c", "int x; // why\n"),
    ("comments", "cli/a.c", "/* TODO: later */\n"),
    ("guards", "lib/base/a.h", "#ifndef A_H\n#define A_H\n#endif\n"),
    ("own_header_first", "lib/base/a.c", "#include <stdio.h>\n"),
    ("width", "cli/a.c", "int x;" + " " * 80 + "int y;\n"),
]

FINE = [
    ("dependencies", "reconciler/a.c", '#include "haproxy/plan.h"\n'),
    ("dependencies", "lib/ingress/a.c", '#include "lib/kube/object.h"\n'),
    ("banned", "cli/a.c", '/* strcpy(a) */ x = "strcpy(";\n'),
    ("comments", "cli/a.c", 'x = "http://example.com";\n'),
]


def house(tmp_path, name, text):
    for room in lint.ROOMS:
        (tmp_path / room).mkdir(parents=True, exist_ok=True)
    for header in ("haproxy/plan.h", "lib/kube/object.h", "lib/kube/http.h",
                   "lib/ingress/key.h"):
        (tmp_path / header).write_text("")
    (tmp_path / "lib/base/a.h").write_text(GOOD_HEADER)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("rule,name,text", BREACHES)
def test_breach(tmp_path, rule, name, text):
    top = house(tmp_path, name, text)
    found = list(getattr(lint, f"check_{rule}")(top))
    assert any(file == top / name for file, _, _ in found), found


@pytest.mark.parametrize("rule,name,text", FINE)
def test_fine(tmp_path, rule, name, text):
    top = house(tmp_path, name, text)
    found = [f for f in getattr(lint, f"check_{rule}")(top)
             if f[0] == top / name]
    assert found == []
