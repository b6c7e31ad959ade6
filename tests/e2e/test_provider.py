from collections.abc import Iterator

import pytest
from oidc_provider_mock import User, run_server_in_thread

from tests.conftest import SECRET_KEY
from tests.e2e.conftest import Server, Visitors
from tests.factories.people import World
from tests.factories.served import serving

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def with_provider(served: Server, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second server that trusts a real OpenID Connect provider on loopback."""
    with run_server_in_thread(user_claims=[User(sub="7", claims={"email": "olga.green@example.org", "email_verified": True})]) as provider:
        trust = {
            "OIDC_ISSUER": f"http://127.0.0.1:{provider.server_port}", "OIDC_CLIENT_ID": "steading", "OIDC_CLIENT_SECRET": "secret",
        }  # fmt: skip
        with serving(database_url, SECRET_KEY, tmp_path_factory.mktemp("provider"), trust) as server:
            yield server.url


async def test_somebody_comes_in_by_their_organizations_own_provider(with_provider: str, visitors: Visitors, home: World) -> None:
    somebody = await visitors.anonymous()
    page = somebody.page
    await page.goto(f"{with_provider}/sign-in?next=/people")
    await page.get_by_text("Sign in with your organization").click()
    await page.fill("input[name=sub]", "7")
    await page.get_by_role("button", name="Authorize").click()
    await page.wait_for_url(f"{with_provider}/people")
    await page.get_by_text("Olga Owner").first.wait_for()


async def test_somebody_whom_nobody_here_knows_stays_outside(with_provider: str, visitors: Visitors, home: World) -> None:
    somebody = await visitors.anonymous()
    page = somebody.page
    await page.goto(f"{with_provider}/sign-in")
    await page.get_by_text("Sign in with your organization").click()
    await page.fill("input[name=sub]", "8")
    await page.get_by_role("button", name="Authorize").click()
    await page.get_by_text("The sign-in provider did not confirm you").wait_for()
