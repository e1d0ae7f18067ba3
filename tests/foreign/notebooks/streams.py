# %% [markdown]
# Streams in memory and paths that a test hands over, and what an answer does to them.
# %% answer rows
import csv
import io
from pathlib import Path

def rows(stream):
    ### BEGIN SOLUTION
    return list(csv.reader(stream))
    ### END SOLUTION

def first_line(stream):
    ### BEGIN SOLUTION
    return stream.readline().strip()
    ### END SOLUTION

def save(table, stream):
    ### BEGIN SOLUTION
    csv.writer(stream, lineterminator="\n").writerows(table)
    ### END SOLUTION

def upper(stream):
    ### BEGIN SOLUTION
    content = stream.read().upper()
    stream.seek(0)
    stream.truncate()
    stream.write(content)
    return stream
    ### END SOLUTION

def report(words):
    ### BEGIN SOLUTION
    out = io.StringIO()
    for word in words:
        print(word, file=out)
    return out
    ### END SOLUTION

class Log:
    ### BEGIN SOLUTION
    def __init__(self, stream):
        self.stream = stream

    def add(self, text):
        self.stream.write(text + "\n")
        return self.stream.getvalue().count("\n")
    ### END SOLUTION
# %% mutant rows
    return list(csv.reader(stream))
# ->
    return stream.read().split("\n")
# %% mutant rows
    return stream.readline().strip()
# ->
    return stream.read().split("\n")[0]
# %% mutant rows
    stream.seek(0)
    stream.truncate()
# ->

# %% mutant rows
    return out
# ->
    return out.getvalue()
# %% mutant rows
    csv.writer(stream, lineterminator="\n").writerows(table)
# ->
    csv.writer(stream, lineterminator="\n").writerows(table)
    stream.close()
# %% test stream_read 1
import io
assert rows(io.StringIO("a,b\n1,2\n")) == [["a", "b"], ["1", "2"]]
# %% test stream_read_on 1
import io
stream = io.StringIO("one\ntwo\n")
assert first_line(stream) == "one"
assert stream.read() == "two\n"
# %% test stream_written 1
import io
out = io.StringIO()
save([[1, 2], ["x", "y"]], out)
assert out.getvalue() == "1,2\nx,y\n"
# %% test bytes_changed_in_place 1
import io
stream = io.BytesIO(b"abc")
assert upper(stream) is stream
assert stream.getvalue() == b"ABC" and stream.tell() == 3
# %% test text_changed_in_place 1
import io
stream = io.StringIO("grüße")
upper(stream)
stream.seek(0)
assert stream.read() == "GRÜSSE"
# %% test stream_returned 1
found = report(["a", "b"])
assert found.getvalue() == "a\nb\n"
# %% test stream_kept 1
import io
log = Log(io.StringIO())
assert log.add("x") == 1 and log.add("y") == 2
assert log.stream.getvalue() == "x\ny\n"
# %% answer places
def suffix(path):
    ### BEGIN SOLUTION
    return path.suffix
    ### END SOLUTION

def beside(path, name):
    ### BEGIN SOLUTION
    return path.with_name(name)
    ### END SOLUTION

def write_list(path, words):
    ### BEGIN SOLUTION
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(words))
    return len(path.read_text())
    ### END SOLUTION

def newest(paths):
    ### BEGIN SOLUTION
    return max(paths, key=lambda path: path.name)
    ### END SOLUTION
# %% mutant places
    return path.suffix
# ->
    return str(path).split(".")[1]
# %% mutant places
    return path.with_name(name)
# ->
    return str(path.with_name(name))
# %% mutant places
"\n".join(words)
# ->
" ".join(words)
# %% mutant places
max(paths, key=lambda path: path.name)
# ->
max(paths)
# %% test path_handed 1
from pathlib import Path
assert suffix(Path("notes/a.txt")) == ".txt" and suffix(Path("a")) == ""
# %% test path_returned 1
from pathlib import Path
found = beside(Path("data/a.csv"), "b.csv")
assert found == Path("data/b.csv") and isinstance(found, Path) and found.name == "b.csv"
# %% test path_written 1
from pathlib import Path
assert write_list(Path("lists/words.txt"), ["tea", "cup"]) == 7
assert Path("lists/words.txt").read_text() == "tea\ncup"
# %% test paths_in_a_list 1
from pathlib import Path
assert newest([Path("b/1.txt"), Path("a/2.txt")]).name == "2.txt"
