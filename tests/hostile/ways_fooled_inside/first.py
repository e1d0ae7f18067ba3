import ast


class WithoutAssertions(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()

    visit_Raise = visit_Assert


get_ipython().ast_transformers.append(WithoutAssertions())
