import io
import json
import sys
import unicodedata

import pytest

from housing_price_platform.output.terminal import (
    CleanStream,
    clean,
    clean_output,
    echo,
    has_unencoded_password,
    printable,
    printable_json,
    redact,
    trusted,
)

BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200E, 0x200F]


def test_every_control_character_becomes_a_visible_escape() -> None:
    controls = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in {"Cc", "Cs"}]
    unsafe = [*(one for one in controls if one not in "\n\t"), *map(chr, BIDI), "\u2028", "\u2029", "\U000e0041"]
    assert len(unsafe) > 2000
    for character in unsafe:
        shown = printable(f"a{character}b")
        assert shown.isprintable()
        assert shown.isascii()
        assert shown == f"a{character.encode('unicode_escape').decode()}b"


@pytest.mark.parametrize(
    "text", ["", "plain", "two\nlines\tand a tab", "Größe 10 °C, 東京, 👩‍🔧, שלום", r"\x1b", "50 % [red]"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b]8;;http://x\x1b\\link", r"\x1b]8;;http://x\x1b\link"),
        ("\x1b[2J\x1b[H\x1b[8m", "\\x1b[2J\\x1b[H\x1b[8m"),
        ("\x9b31m", r"\x9b31m"),
        ("good\rbad", r"good\rbad"),
    ],
)
def test_colours_can_be_kept_and_nothing_else(text: str, shown: str) -> None:
    assert printable(text, keep_colours=True) == shown


def test_json_stays_the_same_document() -> None:
    document = {"text": '\x1b \x7f \x9b \u202e \u2028 é \U000e0041 "\\'}
    escaped = printable_json(json.dumps(document, ensure_ascii=False))
    assert json.loads(escaped) == document
    assert "é" in escaped
    assert not {"\x9b", "\u202e", "\u2028", "\U000e0041"} & set(escaped)


SECRETS = [
    ("http://user:secret@host:9999/x", "http://user:***@host:9999/x"),
    ("HTTPS://user:secret@host", "HTTPS://user:***@host"),
    ("http://user:se%23cret@[::1]:80", "http://user:***@[::1]:80"),
    ("http://user:se/cr#et?@:x@host", "http://user:***@host"),
    ("http://user:@host", "http://user:***@host"),
    ("http://:secret@host", "http://:***@host"),
    ("https://secret@host/path", "https://***@host/path"),
    ("postgresql+psycopg://me:secret@db:5432/x", "postgresql+psycopg://me:***@db:5432/x"),
    (
        "postgresql://db/x?user=me&password=secret&sslmode=require",
        "postgresql://db/x?user=me&password=***&sslmode=require",
    ),
    ("redis://:secret@cache:6379/0", "redis://:***@cache:6379/0"),
    ("connection to host=db password=secret user=me failed", "connection to host=db password=*** user=me failed"),
    ("password='secret with spaces' dbname=x", "password=*** dbname=x"),
    ("https://bucket/x?X-Amz-Signature=secret&X-Amz-Date=1", "https://bucket/x?X-Amz-Signature=***&X-Amz-Date=1"),
    ("two: http://a:secret@b and http://c:secret@d.", "two: http://a:***@b and http://c:***@d."),
    ("('http://a:secret@b')", "('http://a:***@b')"),
    ('{"url": "http://a:secret@b", "x": "y@z"}', '{"url": "http://a:***@b", "x": "y@z"}'),
]


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/api/v1",
        "sqlite:////data/a:b@c.db",
        "postgresql://me@db/x",
        "s3://bucket/folder@2/houses.csv",
        "http://[::1]:80/",
        "models:/housing-price@champion",
        "mail me@example.com: see http://example.com",
        '{"a":"http://host:80","b":"x@y"}',
        "max_tokens=5 passwords: none",
    ],
)
def test_text_without_passwords_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_a_password_that_ends_the_user_part_is_recognised() -> None:
    for url in ("http://me:se%23cret@host/x", "http://me@host", "http://host:80/", "sqlite:///a:b@c"):
        assert not has_unencoded_password(url)
    for url in ("http://me:se/cret@host", "http://me:se#cret@host", "http://me:se@cret@host", "http://me:se?cret@host"):
        assert has_unencoded_password(url)


def test_echo_prints_one_clean_line(capsys: pytest.CaptureFixture[str]) -> None:
    echo("\x1b[31m http://a:secret@b")
    echo(ValueError("\u202e"), err=True)
    assert capsys.readouterr() == ("\\x1b[31m http://a:***@b\n", "\\u202e\n")


def test_the_output_of_libraries_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with clean_output():
        print("\x1b]0;x\x07 http://a:secret@b")
        sys.stderr.writelines(["\x1b[31mred\x1b[0m", "\r"])
        assert sys.stdout.encoding == before[0].encoding
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("\\x1b]0;x\\x07 http://a:***@b\n", "\x1b[31mred\x1b[0m\\r")


def test_the_stream_behind_can_be_written_directly() -> None:
    stream = io.StringIO()
    assert trusted(CleanStream(stream)) is stream  # type: ignore[arg-type]  # stands for `sys.stdout`, see `clean_output`
    assert trusted(stream) is stream
