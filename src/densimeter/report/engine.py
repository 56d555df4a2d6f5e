"""The one engine of pages: Jinja2 templates that escape every string not known to be markup."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from densimeter._version import __version__
from densimeter.foundations.display import clean_name


def render(template: str, **values: Any) -> str:
    """A template of this room, filled in. A name that the template uses and nobody gave is an error."""
    environment = Environment(
        loader=PackageLoader("densimeter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
    )
    return environment.get_template(template).render(version=__version__, **values)


def _readable(value: Any) -> Any:
    """Text without what no page can hold: controls, halves of characters, marks that turn the writing."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(map(clean_name, value.split("\n")))


def packaged_text(name: str) -> str:
    """A file that travels with this room."""
    return (resources.files("densimeter.report") / name).read_text(encoding="utf-8")


def stylesheet(*names: str) -> Markup:
    """Style sheets of this room, one after the other, as a page carries them."""
    return Markup("\n".join(packaged_text(name) for name in names))


def security_policy(script: str = "") -> str:
    """Nothing is fetched, and no script runs but the page's own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {own}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def as_json(value: Any) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
