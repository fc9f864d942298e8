from factories import REPOSITORY
from housing_price_orchestrator.app import describe_settings


def test_the_readme_lists_every_setting_with_its_default_and_meaning() -> None:
    readme = (REPOSITORY / "housing-price-orchestrator" / "README.md").read_text(encoding="utf-8")
    assert describe_settings() in readme
