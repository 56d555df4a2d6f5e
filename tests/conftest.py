"""Settings of all tests, and the browser in which pages are looked at."""

import os
import shutil

import pytest
from hypothesis import settings

# how long an example takes says more about the machine than about the law
settings.register_profile("densimeter", deadline=None)
settings.load_profile("densimeter")


@pytest.fixture(scope="session")
def browser():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing: install Debian's package chromium")
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-quic", "--disable-background-networking"]
        )
        yield browser
        browser.close()
