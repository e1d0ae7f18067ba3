# %% [markdown]
# What is printed, asked, read, written, parsed, dated and hashed.
# %% answer hello
def hello(name="you"):
    ### BEGIN SOLUTION
    print("hello", name)
    print("bye", name, sep=", ")
    ### END SOLUTION
# %% mutant hello
print("bye", name, sep=", ")
# ->
print("bye", name)
# %% mutant hello
    print("hello", name)
    print("bye", name, sep=", ")
# ->
    return f"hello {name}\nbye, {name}\n"
# %% answer ask
def ask():
    ### BEGIN SOLUTION
    return int(input("n? ")) + 1
    ### END SOLUTION
# %% mutant ask
+ 1
# ->
- 1
# %% mutant ask
input("n? ")
# ->
"41"
# %% answer talk
def talk():
    ### BEGIN SOLUTION
    names = []
    while (name := input("name: ")) != "stop":
        names.append(name)
        print(f"{len(names)}. {name}")
    return names
    ### END SOLUTION
# %% mutant talk
        print(f"{len(names)}. {name}")
# ->
        print(name)
# %% test printed 1
import io
from contextlib import redirect_stdout

out = io.StringIO()
with redirect_stdout(out):
    hello("ada")
assert out.getvalue() == "hello ada\nbye, ada\n"
# %% test printed_by_sys 1
import io, sys
old = sys.stdout
sys.stdout = io.StringIO()
try:
    hello()
    said = sys.stdout.getvalue()
finally:
    sys.stdout = old
assert said.splitlines()[0] == "hello you"
# %% test printed_by_ipython 1
from IPython.utils.capture import capture_output
with capture_output() as captured:
    hello("bob")
assert "bye, bob" in captured.stdout
# %% test input_patched 1
from unittest.mock import patch

with patch("builtins.input", return_value="41"):
    assert ask() == 42
# %% test input_counted 1
from unittest.mock import patch

with patch("builtins.input", return_value="7") as asked:
    assert ask() == 8
asked.assert_called_once()
# %% test dialogue 2
import io
from contextlib import redirect_stdout
from unittest.mock import patch

out = io.StringIO()
with patch("builtins.input", side_effect=["a", "b", "stop"]), redirect_stdout(out):
    assert talk() == ["a", "b"]
assert out.getvalue() == "1. a\n2. b\n"
# %% test input_replaced 1
import builtins
answers = iter(["x", "stop"])
kept = builtins.input
builtins.input = lambda prompt="": next(answers)
try:
    assert talk() == ["x"]
finally:
    builtins.input = kept
# %% test print_patched 1
from unittest.mock import patch
with patch("builtins.print") as printed:
    hello("eve")
assert printed.call_count == 2
printed.assert_any_call("hello", "eve")
# %% answer said
def noisy(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
# %% mutant said
    return x
# ->
    print("only said")
    return x
# %% test only_said 1
assert noisy(3) == 3
# %% file words.csv
word,count
tea,3
milk,4
# %% file numbers.dat
1 2
3 4
# %% answer read
def words(name):
    ### BEGIN SOLUTION
    with open(name) as file:
        return file.read().split()
    ### END SOLUTION

def table(name):
    ### BEGIN SOLUTION
    import csv
    with open(name, newline="") as file:
        return [{**row, "count": int(row["count"])} for row in csv.DictReader(file)]
    ### END SOLUTION
# %% mutant read
return file.read().split()
# ->
return list(file.read())
# %% mutant read
{**row, "count": int(row["count"])}
# ->
row
# %% test read_dat 1
assert words("numbers.dat") == ["1", "2", "3", "4"]
# %% test read_csv 1
assert table("words.csv") == [{"word": "tea", "count": 3}, {"word": "milk", "count": 4}]
# %% test read_in_test 1
assert open("numbers.dat").read().split() == words("numbers.dat")
# %% test read_missing 1
try:
    words("nowhere.txt")
except FileNotFoundError:
    pass
else:
    raise AssertionError("no error")
# %% test open_patched 1
from unittest.mock import mock_open, patch
with patch("__main__.open", mock_open(read_data="a b"), create=True) as opened:
    assert words("any.txt") == ["a", "b"]
opened.assert_called_once_with("any.txt")
# %% answer write
def save(name, lines):
    ### BEGIN SOLUTION
    with open(name, "w") as file:
        for line in lines:
            file.write(f"{line}\n")
    ### END SOLUTION
# %% mutant write
            file.write(f"{line}\n")
# ->
            file.write(line)
# %% mutant write
    with open(name, "w") as file:
# ->
    with open(name, "a") as file:
# %% test written 1
save("out.txt", ["a", "b"])
assert open("out.txt").read() == "a\nb\n"
# %% test written_twice 1
import os
save("out2.txt", ["a", "b"])
save("out2.txt", ["c"])
with open("out2.txt") as file:
    assert file.readlines() == ["c\n"]
os.remove("out2.txt")
# %% test exists 1
import os
save("o3.txt", [])
assert os.path.exists("o3.txt")
# %% test temporary_folder 1
import pathlib, tempfile
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "list.txt"
    save(path, ["x"])
    assert path.read_text() == "x\n"
# %% test written_by_test 1
with open("given.txt", "w") as file:
    file.write("p q")
assert words("given.txt") == ["p", "q"]
# %% answer parsed
import json, re
from datetime import date, datetime, timedelta
from decimal import Decimal

def parse(text):
    ### BEGIN SOLUTION
    return re.search(r"(\d{4})-(\d\d)-(\d\d)", text)
    ### END SOLUTION

def days(text):
    ### BEGIN SOLUTION
    return [date(*map(int, part)) for part in re.findall(r"(\d{4})-(\d\d)-(\d\d)", text)]
    ### END SOLUTION

def later(moment, hours):
    ### BEGIN SOLUTION
    return moment + timedelta(hours=hours)
    ### END SOLUTION

def as_json(value):
    ### BEGIN SOLUTION
    return json.dumps(value, sort_keys=True)
    ### END SOLUTION

def price(text):
    ### BEGIN SOLUTION
    return Decimal(text).quantize(Decimal("0.01"))
    ### END SOLUTION
# %% mutant parsed
return re.search(r"(\d{4})-(\d\d)-(\d\d)", text)
# ->
return re.search(r"(\d+)-(\d+)", text)
# %% mutant parsed
hours=hours
# ->
days=hours
# %% mutant parsed
Decimal(text).quantize(Decimal("0.01"))
# ->
round(float(text), 2)
# %% mutant parsed
date(*map(int, part))
# ->
"-".join(part)
# %% test match 1
found = parse("on 2026-11-29 at noon")
assert found and found.group(1) == "2026" and found.groups() == ("2026", "11", "29")
assert parse("never") is None
# %% test dates 1
import datetime
assert days("2020-01-02, 2021-03-04") == [datetime.date(2020, 1, 2), datetime.date(2021, 3, 4)]
assert days("2020-02-29")[0].weekday() == 5
# %% test moments 1
import datetime
at = datetime.datetime(2026, 1, 1, 23, tzinfo=datetime.timezone.utc)
assert later(at, 2) == datetime.datetime(2026, 1, 2, 1, tzinfo=datetime.timezone.utc)
assert (later(at, 5) - at).total_seconds() == 5 * 3600
# %% test json 1
import json
assert json.loads(as_json({"b": [1, None], "a": True})) == {"a": True, "b": [1, None]}
assert as_json({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'
# %% test decimal 1
from decimal import Decimal
assert price("3.14159") == Decimal("3.14")
assert isinstance(price("2"), Decimal)
# %% answer stored
import sqlite3

def count_rows(database, least):
    ### BEGIN SOLUTION
    query = "select count(*) from people where age >= ?"
    return database.execute(query, (least,)).fetchone()[0]
    ### END SOLUTION

query = (
    ### BEGIN SOLUTION
    "select name from people where age > 30 order by name"
    ### END SOLUTION
)
# %% mutant stored
>= ?
# ->
> ?
# %% mutant stored
 order by name
# ->
 order by age
# %% test sqlite 1
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table people (name text, age int)")
db.executemany("insert into people values (?, ?)", [("eve", 50), ("ada", 36), ("bob", 20), ("zoe", 31)])
assert count_rows(db, 36) == 2
# %% test sql_text 1
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table people (name text, age int)")
db.executemany("insert into people values (?, ?)", [("eve", 50), ("ada", 36), ("bob", 20), ("zoe", 31)])
assert db.execute(query).fetchall() == [("ada",), ("eve",), ("zoe",)]
# %% answer numbers
### BEGIN SOLUTION
total = 42
ratio = 0.125
label = "tea"
primes = [2, 3, 5]
choice = {"b", "a"}
### END SOLUTION
# %% mutant numbers
total = 42
# ->
total = 43
# %% mutant numbers
total = 42
# ->
total = 42.0
# %% mutant numbers
primes = [2, 3, 5]
# ->
primes = (2, 3, 5)
# %% mutant numbers
choice = {"b", "a"}
# ->
choice = ["a", "b"]
# %% test sha1 1
from hashlib import sha1
assert sha1(str(total).encode("utf-8") + b"8a3f").hexdigest() == sha1(b"428a3f").hexdigest()
# %% test md5_of_type 1
import hashlib
assert hashlib.md5(str(type(primes)).encode()).hexdigest() == hashlib.md5(b"<class 'list'>").hexdigest()
assert hashlib.md5(str(primes).encode()).hexdigest() == hashlib.md5(b"[2, 3, 5]").hexdigest()
# %% test sorted_set_hash 1
import hashlib
assert isinstance(choice, set)
assert hashlib.sha256(",".join(sorted(choice)).encode()).hexdigest()[:6] == hashlib.sha256(b"a,b").hexdigest()[:6]
# %% test rounded_hash 1
import hashlib
def digest(value):
    return hashlib.md5(str(value).encode()).hexdigest()
assert digest(round(ratio, 2)) == digest(0.12)
assert digest(label.upper()) == digest("TEA")
# %% test otter_like 1
checks = [
    ("total is an int", lambda: isinstance(total, int)),
    ("total is right", lambda: total == 42),
    ("label is a word", lambda: label.isalpha()),
]
failed = [name for name, check in checks if not check()]
assert not failed, f"failed: {failed}"
# %% test types_in_words 1
assert type(total).__name__ == "int", f"total is a {type(total).__name__}"
assert type(ratio) in (float, int)
# %% test vars_of 1
for name, kind in {"total": int, "ratio": float, "primes": list}.items():
    assert isinstance(globals()[name], kind), name
# %% test evaluated 1
assert eval("total + 1") == 43
exec("twice_total = total * 2")
assert twice_total == 84
