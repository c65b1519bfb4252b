"""A marketer's folder of YAML -> a bundle, or every reason why not.

    compilation = compile("bank")
    compilation.diagnostics     # everything wrong, in the order of the files
    compilation.bundle          # None while there are errors
    run(compilation, core)      # the tests of the workspace

`definitions` declares the contents of files, `starter` writes an example, `json_schema` serves editors.
"""

from nextbest.workspace.compilation import Compilation, compile  # noqa: A004 - the word for it
from nextbest.workspace.definitions import Kind
from nextbest.workspace.load import Progress, Workspace

__all__ = ["Compilation", "Kind", "Progress", "Workspace", "compile"]
