"""The same rows through all doors: sallyport-webhook over HTTPS, `sallyport
lint`, and the reconciler.

TOPIC.want holds the whole answer to every row of TOPIC.yaml.
ADMISSION_WRITE=1 writes it anew; the reviewer reads the difference.  What a
row itself says of the verdict holds in any case.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

import doors

TOPICS = {name: doors.Topic(name) for name in doors.TOPICS}


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    authority = doors.rig.Authority(tmp_path_factory.mktemp("ca"))
    secret = doors.make_secret(authority.folder)
    for topic in TOPICS.values():
        topic.before.append(secret)
    return authority


@pytest.fixture(scope="module")
def verdicts(authority, tmp_path_factory):
    """verdicts(topic): a Verdict for each row, asked for once."""
    known = {}

    def ask(topic):
        if topic.name not in known:
            door = doors.Door(tmp_path_factory.mktemp(topic.name), topic,
                              authority)
            try:
                known[topic.name] = [doors.Verdict(door, row)
                                     for row in topic.rows]
            finally:
                door.stop()
        return known[topic.name]
    return ask


def is_named_rightly(row):
    """A name that tells the verdict tells the one that is wanted."""
    want = row.want.split()[0]
    if "refused" in row.name:
        return want in ("invalid", "forbidden", "malformed")
    if "accepted" in row.name:
        return want in ("allowed", "warned")
    return "warned of" not in row.name or want == "warned"


def is_compared(row):
    """A file can hold the object, and the API server would send it."""
    return bool(row.files) and not row.want.startswith("malformed")


def test_there_are_rows():
    rows = [row for topic in TOPICS.values() for row in topic.rows]
    assert len(rows) >= 300
    words = {row.want for row in rows}
    assert words >= {"allowed", "warned", "invalid", "forbidden",
                     "malformed", "allowed patched"}
    for topic in TOPICS.values():
        names = [row.name for row in topic.rows]
        assert len(set(names)) == len(names)
    wrong = [row.name for row in rows if not is_named_rightly(row)]
    assert wrong == []
    # Of these the findings are compared, word by word, between all doors.
    assert len([row for row in rows if is_compared(row) and
                row.operation == "CREATE"]) >= 300


@pytest.mark.parametrize("name", TOPICS)
def test_verdict(verdicts, name):
    topic = TOPICS[name]
    got = verdicts(topic)
    text = "".join(f"== {row.name}\n{verdict.text}"
                   for row, verdict in zip(topic.rows, got))
    file = doors.HERE / f"{name}.want"
    if os.environ.get("ADMISSION_WRITE"):
        file.write_text(text)
    wrong = [f"{row.name}: {verdict.word}, not {row.want}"
             for row, verdict in zip(topic.rows, got)
             if verdict.word != row.want]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    assert text == file.read_text()


def told(name, said):
    return f"{name}:" + "".join(
        f"\n  {where} {severity}: {text}"
        for where, found in said.items() for severity, text in found)


@pytest.mark.parametrize("name", TOPICS)
def test_same_findings_everywhere(verdicts, name, tmp_path):
    """An Event has no severity.  Of an update the webhook is silent where
    nothing changed, and only warns of what was there before.  What stands in
    a ConfigMap that an annotation names, only the reconciler reads."""
    topic = TOPICS[name]

    def look(pair):
        i, (row, verdict) = pair
        if not is_compared(row):
            return None
        file = doors.write(tmp_path / f"{i}.json", topic.around(row))
        said = {"webhook": verdict.findings(),
                "lint": doors.lint(file, topic, row),
                "reconciler": doors.reconciler(file, topic, row)}
        said["reconciler"] = {one for one in said["reconciler"]
                              if ': ConfigMap "' not in one[1]}
        texts = {where: {text for _, text in found}
                 for where, found in said.items()}
        same = texts["lint"] == texts["reconciler"]
        if row.operation == "UPDATE":
            same = same and texts["webhook"] <= texts["lint"]
        else:
            same = same and said["webhook"] == said["lint"]
        return None if same else (row.name, said)

    with ThreadPoolExecutor(2) as pool:
        differ = list(pool.map(look, enumerate(zip(topic.rows,
                                                   verdicts(topic)))))
    differ = [told(*one) for one in differ if one]
    if differ:
        pytest.fail("\n".join(differ), pytrace=False)
