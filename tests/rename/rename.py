#!/usr/bin/env python3
# The library and programs in; out come the same with every declaration of the library under a name that says nothing,
# in OUT/prelude and OUT/programs. Kinds, fields, parameters, locals, strings and numbers stay. A compiler that knows a
# name of the library shows itself by other results.
#
#     rename.py OUT PRELUDE_DIR PROGRAM...
import pathlib
import re
import sys

TOKEN = re.compile(r"""//[^\n]*|"(?:\\.|[^"\\\n])*"|[A-Za-z_]\w*|\d\w*(?:\.\d\w*)?(?:[eE][+-]?\d+)?
                   |\.\.|\+\+|[=!<>]=|&&|\|\||\s+|.""", re.X)
NAME = re.compile(r"[A-Za-z_]\w*$")


def declarations(text):
    """The text in pieces, each from a line that begins with a name to the next such line: one declaration a piece."""
    return re.split(r"^(?=[A-Za-z_])", text, flags=re.M)


def tokens(piece):
    return TOKEN.findall(piece)


def code(parts):
    """The places of the tokens that are neither blank nor comment."""
    return [i for i, part in enumerate(parts) if part.strip() and not part.startswith("//")]


def declared(piece):
    """The word that begins a declaration and the name that it declares; (None, None) for anything else."""
    words = [part for part in tokens(piece) if part.strip() and not part.startswith("//")]
    if len(words) < 2 or not NAME.match(words[0]) or not NAME.match(words[1]):
        return None, None
    return words[0], words[1]


def library_names(files):
    """What the library declares, kinds and their fields apart; no name may be both."""
    pieces = [piece for text in files.values() for piece in declarations(text)]
    heads = [declared(piece) for piece in pieces]
    kinds = {name for word, name in heads if word == "kind"}
    names = {name for word, name in heads if word in {"const", "fn"} | kinds}
    fields = set()
    for piece, (word, _) in zip(pieces, heads):
        if word == "kind":
            fields |= set(re.findall(r"^  ([A-Za-z_]\w*)", piece, flags=re.M))
    assert not names & (kinds | fields), names & (kinds | fields)
    return sorted(names)


def closing(parts, places, n):
    """The place after the bracket that closes the one at `n`."""
    depth = 0
    for k in range(n, len(places)):
        word = parts[places[k]]
        depth += (word in "([{") - (word in ")]}")
        if depth == 0:
            return k + 1
    return len(places)


def is_defined(parts, places, n):
    """Whether the name at `n` is followed by what makes it a definition: `=`, `:`, `~`, or formals and then a body."""
    def word(k):
        return parts[places[k]] if k < len(places) else ""

    after = n + 1
    if word(after) == "(":
        after = closing(parts, places, after)
        return word(after) in ("=", "{", ":") or word(after) + word(after + 1) == "->"
    return word(after) in ("=", ":", "~")


def begins_statement(parts, places, n):
    """Whether a statement or a field begins at `n`."""
    before = parts[places[n - 1]]
    new_line = "\n" in "".join(parts[places[n - 1] + 1:places[n]])
    return before in ("{", ";") or (new_line and re.search(r'[\w)\]}"]$', before) is not None)


def bound(parts, places, names):
    """The names that a declaration binds itself (parameters, fields, locals), and the places of labels `name =`."""
    own, labels = set(), set()
    brackets = []
    header = True  # up to the body: its brackets hold formals
    for n, i in enumerate(places):
        word, before = parts[i], parts[places[n - 1]] if n else ""
        if word in "([{":
            header = header and word != "{"
            start = n - 1 if NAME.match(before) else n  # f(a, b) = e, or (a, b) = e
            defines = word == "(" and start > 0 and begins_statement(parts, places, start)
            brackets.append("formals" if header or (defines and is_defined(parts, places, n - 1)) else word)
        elif word in ")]}":
            brackets.pop()
        elif word == "=" and not brackets:
            header = False
        elif word in names and n > 1 and before != ".":
            inside = brackets[-1] if brackets else ""
            if before == "for" or (inside == "formals" and before in ("(", ",", ";", "[")):
                own.add(word)
            elif before in ("(", ",", "with") and is_defined(parts, places, n):
                labels.add(i)
            elif inside == "{" and begins_statement(parts, places, n) and is_defined(parts, places, n):
                own.add(word)
    return own, labels


def renamed(text, new, library):
    """The text with the names of `new` replaced wherever they mean the library's declaration."""
    pieces = declarations(text)
    hidden = set() if library else {name for _, name in map(declared, pieces) if name}
    out = []
    for piece in pieces:
        parts = tokens(piece)
        places = code(parts)
        own, labels = bound(parts, places, new)
        for n, i in enumerate(places):
            is_field = n and parts[places[n - 1]] == "."
            if parts[i] in new and parts[i] not in own | hidden and i not in labels and not is_field:
                parts[i] = new[parts[i]]
        out.append("".join(parts))
    return "".join(out)


def main():
    out, prelude, programs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), map(pathlib.Path, sys.argv[3:])
    files = {path.name: path.read_text() for path in sorted(prelude.glob("*.dsl"))}
    new = {name: f"entry_{number}" for number, name in enumerate(library_names(files))}
    for folder in ("prelude", "programs"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / "prelude" / name).write_text(renamed(text, new, True))
    for path in programs:
        (out / "programs" / path.name).write_text(renamed(path.read_text(), new, False))


if __name__ == "__main__":
    main()
