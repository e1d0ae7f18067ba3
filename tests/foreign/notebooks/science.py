# %% [markdown]
# Plots, symbols, graphs, fits and networks: objects of libraries that tests look at.
# %% given
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import sympy
# %% answer plot
### BEGIN SOLUTION
fig, ax = plt.subplots()
ax.plot([1, 2], [3, 4], "g--", label="rise")
ax.set_xlabel("x")
ax.set_ylabel("height in m")
ax.set_title("A line")
ax.legend()
### END SOLUTION
# %% mutant plot
"g--"
# ->
"r-"
# %% mutant plot
ax.set_xlabel("x")
# ->
ax.set_xlabel("y")
# %% mutant plot
[3, 4]
# ->
[4, 3]
# %% mutant plot
ax.legend()
# ->

# %% test label 1
assert ax.get_xlabel() == "x"
# %% test lines 1
assert len(ax.get_lines()) == 1
assert ax.get_lines()[0].get_color() == "g"
# %% test data 1
import numpy as np
assert np.allclose(ax.get_lines()[0].get_xydata(), [[1, 3], [2, 4]])
# %% test legend 1
assert ax.get_legend() is not None
assert [text.get_text() for text in ax.get_legend().get_texts()] == ["rise"]
# %% test title_words 1
title = ax.get_title().lower()
for word in ("line",):
    assert word in title, f"the title lacks {word}"
assert "m" in ax.get_ylabel()
# %% test figure 1
from matplotlib.figure import Figure
assert isinstance(fig, Figure) and fig.axes[0] is ax
# %% test plot_tester 2
class PlotTester:
    """As matplotcheck does it."""

    def __init__(self, axes):
        self.ax = axes

    def assert_xlabel_contains(self, words):
        for word in words:
            assert word in self.ax.get_xlabel(), f"x-axis label lacks {word}"

    def assert_xydata(self, expected):
        for line in self.ax.lines:
            if np.allclose(line.get_ydata(), expected):
                return
        raise AssertionError("no line has the expected data")

tester = PlotTester(ax)
tester.assert_xlabel_contains(["x"])
tester.assert_xydata([3, 4])
# %% answer histogram
def draw_bars(counts):
    ### BEGIN SOLUTION
    fig, ax = plt.subplots()
    ax.bar(list(counts), list(counts.values()))
    ax.set_xticks(range(len(counts)))
    return ax
    ### END SOLUTION

def draw_here(axes, x):
    ### BEGIN SOLUTION
    axes.hist(x, bins=4)
    axes.grid(True)
    ### END SOLUTION
# %% mutant histogram
bins=4
# ->
bins=5
# %% mutant histogram
ax.bar(list(counts), list(counts.values()))
# ->
ax.barh(list(counts), list(counts.values()))
# %% test bars 1
bars = draw_bars({"a": 3, "b": 5})
assert [patch.get_height() for patch in bars.patches] == [3, 5]
plt.close("all")
# %% test given_axes 1
figure, axes = plt.subplots()
draw_here(axes, [1, 2, 2, 3])
assert len(axes.patches) == 4
plt.close(figure)
# %% test current_axes 1
plt.close("all")
draw_bars({"a": 1})
assert len(plt.gcf().axes) == 1 and len(plt.gca().patches) == 1
plt.close("all")
# %% answer symbols
### BEGIN SOLUTION
x = sympy.Symbol("x")
e = (x + 1) ** 2
### END SOLUTION

def derivative(expression, symbol):
    ### BEGIN SOLUTION
    return sympy.diff(expression, symbol)
    ### END SOLUTION
# %% mutant symbols
(x + 1) ** 2
# ->
(x + 1) ** 3
# %% mutant symbols
sympy.diff(expression, symbol)
# ->
expression
# %% mutant symbols
(x + 1) ** 2
# ->
x ** 2 + 2 * x + 1
# %% test simplified 1
import sympy
assert sympy.simplify(e - (x**2 + 2*x + 1)) == 0
# %% test same_form 1
assert e == (x + 1) ** 2
# %% test derived 1
t = sympy.symbols("t")
assert derivative(sympy.sin(t) * t, t) == sympy.sin(t) + t * sympy.cos(t)
# %% test solved 1
assert sympy.solve(derivative(e, x), x) == [-1]
assert e.subs(x, 2) == 9 and e.free_symbols == {x}
# %% answer graph
def ring(n):
    ### BEGIN SOLUTION
    graph = nx.Graph()
    graph.add_edges_from((k, (k + 1) % n) for k in range(n))
    return graph
    ### END SOLUTION

def hubs(graph, least):
    ### BEGIN SOLUTION
    return {node for node, degree in graph.degree() if degree >= least}
    ### END SOLUTION
# %% mutant graph
(k + 1) % n
# ->
k + 1
# %% mutant graph
degree >= least
# ->
degree > least
# %% test graph_made 1
g = ring(5)
assert g.number_of_nodes() == 5 and g.number_of_edges() == 5
assert nx.is_connected(g) and set(g.neighbors(0)) == {1, 4}
# %% test graph_given 1
assert hubs(nx.star_graph(4), 4) == {0}
# %% test isomorphic 1
assert nx.is_isomorphic(ring(6), nx.cycle_graph(6))
assert sorted(dict(ring(3).degree()).values()) == [2, 2, 2]
# %% answer fit
from scipy import optimize, sparse, stats
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

def minimise(function, start):
    ### BEGIN SOLUTION
    return optimize.minimize(function, start).x
    ### END SOLUTION

def fitted(X, y):
    ### BEGIN SOLUTION
    return LinearRegression().fit(X, y)
    ### END SOLUTION

class Mean(BaseEstimator):
    ### BEGIN SOLUTION
    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.mean_ = np.mean(y) + self.shift
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)
    ### END SOLUTION

def eye(n):
    ### BEGIN SOLUTION
    return sparse.eye(n, format="csr")
    ### END SOLUTION

def t_test(a, b):
    ### BEGIN SOLUTION
    return stats.ttest_ind(a, b)
    ### END SOLUTION
# %% mutant fit
optimize.minimize(function, start).x
# ->
start
# %% mutant fit
LinearRegression().fit(X, y)
# ->
LinearRegression(fit_intercept=False).fit(X, y)
# %% mutant fit
        return self

# ->

# %% mutant fit
np.mean(y) + self.shift
# ->
np.median(y)
# %% test minimised 1
found = minimise(lambda v: (v[0] - 3) ** 2 + (v[1] + 1) ** 2, [0.0, 0.0])
np.testing.assert_allclose(found, [3, -1], atol=1e-3)
# %% test estimator_made 1
model = fitted([[0], [1], [2]], [1, 3, 5])
assert np.allclose(model.coef_, [2]) and np.isclose(model.intercept_, 1)
assert model.score([[0], [1]], [1, 3]) > 0.999
assert isinstance(model, LinearRegression)
# %% test estimator_class 2
model = Mean(shift=1.0).fit([[0], [0]], [2, 4])
assert model.mean_ == 4 and model.predict([[9]] * 3).tolist() == [4, 4, 4]
assert model.get_params() == {"shift": 1.0}
# %% test estimator_cross_validated 1
from sklearn.model_selection import cross_val_predict
predicted = cross_val_predict(Mean(), np.zeros((4, 1)), np.array([1.0, 1, 3, 3]), cv=2)
assert predicted.tolist() == [3, 3, 1, 1]
# %% test sparse 1
found = eye(3)
assert sparse.issparse(found) and found.nnz == 3
np.testing.assert_array_equal(found.toarray(), np.eye(3))
# %% test named_result 1
outcome = t_test([1, 2, 3, 4.5], [2, 3, 4, 9])
assert 0 < outcome.pvalue < 1
statistic, pvalue = t_test([1, 2, 3], [1, 2, 3])
assert statistic == 0 and pvalue == 1
# %% test seeds_of_libraries 1
from sklearn.datasets import make_regression
X, y = make_regression(n_samples=30, n_features=2, random_state=1)
model = fitted(X, y)
np.testing.assert_allclose(model.predict(X), y, rtol=1e-6)
