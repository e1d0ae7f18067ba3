# %% [markdown]
# pandas: tables made, read, grouped, compared by pandas.testing, by hashes and by what they hold.
# %% given
import pandas as pd
# %% file cities.csv
city,country,people,since
Oslo,NO,700,1048-01-01
Rome,IT,2800,1900-01-01
Bari,IT,320,1950-06-01
# %% answer frame
### BEGIN SOLUTION
df = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
### END SOLUTION
# %% mutant frame
[1, 2, 3]
# ->
[1.0, 2.0, 3.0]
# %% mutant frame
["x", "y", "z"]
# ->
["x", "y", None]
# %% mutant frame
"b": ["x", "y", "z"]
# ->
"c": ["x", "y", "z"]
# %% mutant frame
pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
# ->
{"a": [1, 2, 3], "b": ["x", "y", "z"]}
# %% test shape 1
assert df.shape == (3, 2)
assert len(df) == 3
# %% test columns 1
assert list(df.columns) == ["a", "b"]
# %% test compared 1
assert (df["a"] > 0).all()
# %% test columns_equal 1
assert all(df.columns == ["a", "b"])
# %% test dtype 1
import numpy as np
assert df["a"].dtype == np.int64
assert df.dtypes["a"] == "int64" and pd.api.types.is_string_dtype(df["b"])
# %% test instance 1
import pandas as pd
assert isinstance(df, pd.DataFrame) and isinstance(df["a"], pd.Series)
# %% test frame_equal 1
import pandas as pd
pd.testing.assert_frame_equal(df, pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}))
# %% test equals 1
assert df.equals(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}))
# %% test hashed 1
from pandas.util import hash_pandas_object
expected = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
assert hash_pandas_object(df).sum() == hash_pandas_object(expected).sum()
# %% test missing 1
assert df.isna().sum().sum() == 0
# %% test cells 1
assert df.loc[0, "a"] == 1 and df.iloc[-1]["b"] == "z" and df.at[1, "b"] == "y"
# %% answer read
def cities(path):
    ### BEGIN SOLUTION
    return pd.read_csv(path, index_col="city")
    ### END SOLUTION

def by_country(table):
    ### BEGIN SOLUTION
    return table.groupby("country")["people"].sum().sort_values(ascending=False)
    ### END SOLUTION

def add_share(table):
    ### BEGIN SOLUTION
    result = table.copy()
    result["share"] = result["people"] / result["people"].sum()
    return result
    ### END SOLUTION

def mark_big(table, least):
    ### BEGIN SOLUTION
    table["big"] = table["people"] >= least
    ### END SOLUTION
# %% mutant read
pd.read_csv(path, index_col="city")
# ->
pd.read_csv(path)
# %% mutant read
    result = table.copy()
# ->
    result = table
# %% mutant read
.sort_values(ascending=False)
# ->

# %% mutant read
table["big"] = table["people"] >= least
# ->
return table.assign(big=table["people"] >= least)
# %% test read_csv 1
table = cities("cities.csv")
assert table.loc["Oslo", "people"] == 700 and table.index.name == "city"
# %% test read_in_test 1
import pandas as pd
pd.testing.assert_frame_equal(cities("cities.csv"), pd.read_csv("cities.csv", index_col="city"))
# %% test read_buffer 1
import io
table = cities(io.StringIO("city,people\nA,1\nB,2\n"))
assert table["people"].to_dict() == {"A": 1, "B": 2}
# %% test grouped 1
table = pd.DataFrame({"country": ["IT", "NO", "IT"], "people": [1, 2, 3]})
expected = pd.Series([4, 2], index=pd.Index(["IT", "NO"], name="country"), name="people")
pd.testing.assert_series_equal(by_country(table), expected)
# %% test share 1
table = pd.DataFrame({"people": [1, 3]})
result = add_share(table)
assert result["share"].tolist() == [0.25, 0.75]
assert list(table.columns) == ["people"], "the table that was given has changed"
# %% test changed_in_place 1
table = pd.DataFrame({"people": [1, 30, 300]}, index=list("abc"))
mark_big(table, 20)
assert table["big"].tolist() == [False, True, True]
# %% test chained 1
top = by_country(pd.read_csv("cities.csv")).index[0]
assert top == "IT"
# %% answer time
def monthly(series):
    ### BEGIN SOLUTION
    return series.resample("MS").mean()
    ### END SOLUTION

def parse(table):
    ### BEGIN SOLUTION
    return pd.to_datetime(table["day"])
    ### END SOLUTION

def bins(series):
    ### BEGIN SOLUTION
    return pd.cut(series, [0, 10, 20], labels=["low", "high"])
    ### END SOLUTION

def wide(table):
    ### BEGIN SOLUTION
    return table.pivot_table(index="day", columns="who", values="x", aggfunc="sum")
    ### END SOLUTION
# %% mutant time
"MS"
# ->
"D"
# %% mutant time
pd.to_datetime(table["day"])
# ->
table["day"]
# %% mutant time
labels=["low", "high"]
# ->
labels=False
# %% mutant time
aggfunc="sum"
# ->
aggfunc="mean"
# %% test resampled 1
days = pd.date_range("2026-01-30", periods=4, freq="D")
found = monthly(pd.Series([1.0, 3.0, 5.0, 7.0], index=days))
assert found.tolist() == [2.0, 6.0] and found.index[0] == pd.Timestamp("2026-01-01")
# %% test parsed 1
found = parse(pd.DataFrame({"day": ["2026-01-02"]}))
assert found.dt.year.tolist() == [2026] and found[0] == pd.Timestamp(2026, 1, 2)
assert pd.api.types.is_datetime64_any_dtype(found)
# %% test categories 1
found = bins(pd.Series([5, 15]))
assert found.tolist() == ["low", "high"] and found.cat.categories.tolist() == ["low", "high"]
# %% test pivoted 1
table = pd.DataFrame({"day": [1, 1, 2, 2], "who": list("aabb"), "x": [1, 2, 3, 4]})
found = wide(table)
assert found.loc[1, "a"] == 3 and found.columns.name == "who"
assert found.shape == (2, 2) and found.isna().to_numpy().tolist() == [[False, True], [True, False]]
# %% test many_index 1
found = pd.DataFrame({"a": [1, 1], "b": [2, 3], "c": [4, 5]}).set_index(["a", "b"])
assert add_share(found.rename(columns={"c": "people"})).loc[(1, 3), "share"] == 5 / 9
# %% answer query
most = (
    ### BEGIN SOLUTION
    pd.read_csv("cities.csv").set_index("city")["people"].idxmax()
    ### END SOLUTION
)
mean_people = (
    ### BEGIN SOLUTION
    pd.read_csv("cities.csv")["people"].mean()
    ### END SOLUTION
)
groups = (
    ### BEGIN SOLUTION
    pd.read_csv("cities.csv").groupby("country")
    ### END SOLUTION
)
# %% mutant query
idxmax()
# ->
idxmin()
# %% mutant query
["people"].mean()
# ->
["people"].median()
# %% mutant query
groupby("country")
# ->
groupby("city")
# %% test scalar 1
assert most == "Rome"
# %% test rounded 1
assert round(mean_people, 2) == 1273.33
# %% test group_object 1
assert groups.ngroups == 2 and set(groups.groups) == {"IT", "NO"}
assert groups.get_group("IT").shape == (2, 4)
# %% test group_mean 1
assert groups["people"].mean()["IT"] == 1560
# %% answer cleaner
class Cleaner:
    def __init__(self, table):
        ### BEGIN SOLUTION
        self.table = table.copy()
        ### END SOLUTION

    def clean(self):
        ### BEGIN SOLUTION
        self.table["clean"] = True
        ### END SOLUTION

    def cleaned(self):
        ### BEGIN SOLUTION
        return self.table.copy()
        ### END SOLUTION
# %% mutant cleaner
        self.table = table.copy()
# ->
        self.table = table
# %% mutant cleaner
        return self.table.copy()
# ->
        return self.table
# %% test leaves_the_table_alone 1
table = pd.DataFrame({"a": [1, 2]})
cleaner = Cleaner(table)
cleaner.clean()
assert list(table) == ["a"]
# %% test keeps_its_own_table 1
table = pd.DataFrame({"a": [1, 2]})
cleaner = Cleaner(table)
table.loc[0, "a"] = 9
assert cleaner.cleaned()["a"].tolist() == [1, 2]
# %% test gives_a_copy_of_its_table 1
cleaner = Cleaner(pd.DataFrame({"a": [1, 2]}))
got = cleaner.cleaned()
got["b"] = 0
assert list(cleaner.cleaned()) == ["a"]
