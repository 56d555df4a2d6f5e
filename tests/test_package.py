"""What the package exports, and what importing it costs."""

import subprocess
import sys

import pytest

import densimeter as dm


@pytest.mark.parametrize("name", dm.__all__)
def test_every_exported_name_is_there(name):
    assert getattr(dm, name) is not None
    assert name in dir(dm)


def test_a_name_that_is_not_exported_is_an_attribute_error():
    with pytest.raises(AttributeError, match="GausianMixture"):
        dm.GausianMixture  # noqa: B018


@pytest.mark.parametrize("code", ["import densimeter", "import densimeter.cli.main"])
def test_importing_loads_nothing_heavy(code):
    heavy = ("jax", "numpy", "sklearn", "matplotlib", "pyarrow", "pandas")
    script = f"import sys; {code}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_every_room_leaves_the_settings_of_jax_alone():
    script = (
        "import jax; before = dict(jax.config.values); import densimeter as dm; "
        "[getattr(dm, name) for name in dm.__all__]; assert dict(jax.config.values) == before"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
