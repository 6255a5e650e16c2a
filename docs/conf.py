"""Sphinx's configuration of the documentation site; `make docs` builds it, offline and without a warning.

Sphinx with the theme of numpy, pandas and scikit-learn: it reads the docstrings' numpydoc sections and checks every
reference by itself. The pages are the Markdown files of this folder, which GitHub shows as well.
"""

from importlib import metadata

project, author = "f1lib", "the authors of f1lib"
copyright = "the authors of f1lib; MIT licence"
release = metadata.version("f1lib")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx_design"]
exclude_patterns = ["README.md"]  # the index that GitHub shows; the site's own is index.md

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
autodoc_typehints = "none"  # the numpydoc sections have the types
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True, "ignore-module-all": True}
autosummary_generate = True
napoleon_google_docstring = False
default_role = "code"

html_theme = "pydata_sphinx_theme"
html_title = f"f1lib {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["../build/gallery"]
html_sidebars = {"[!_]*": []}  # the modules have one: they are many
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "show_toc_level": 2,
}


def _links_inside(app, name, source):
    """Lead links to files at the top of the repository to the pages that include them."""
    for file in ("CONTRIBUTING.md", "CHANGELOG.md"):
        source[0] = source[0].replace(f"](../{file}", f"]({file.lower()}")


def setup(app):
    """Sphinx calls it."""
    app.connect("source-read", _links_inside)
