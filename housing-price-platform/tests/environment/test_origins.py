import pytest

from housing_price_platform.environment.origins import normal_origin


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("HTTPS://WWW.Example.com", "https://www.example.com"),
        ("https://www.example.com:443", "https://www.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://127.0.0.1:0080", "http://127.0.0.1"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("*", "*"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(value: str, expected: str) -> None:
    assert normal_origin(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "www.example.com",
        "localhost:5173",
        "https://www.example.com/",
        "https://www.example.com/page",
        "https://*.example.com",
        "https://a.example,https://b.example",
        "https://user@www.example.com",
        "http://localhost:65536",
        "http://localhost:0",
        "http://localhost:",
        "http://[::1",
        "http://[1:2]",
        "ftp://www.example.com",
        "https://exämple.com",
        "https://www.example.com\n",
        "null",
        "**",
    ],
)
def test_anything_else_is_refused_with_an_example(value: str) -> None:
    with pytest.raises(ValueError, match=r"such as https://www\.example\.com"):
        normal_origin(value)
