"""A console for tables, colours and progress, safe for text of any origin. Needs the extra `console`."""

from collections.abc import Iterable
from typing import IO, Any, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from housing_price_platform.output.terminal import clean, printable, trusted


class CleanConsole(Console):
    """Prints text as it is: `[red]` is no markup, `:smile:` no emoji, and control characters are visible escapes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    @property
    def file(self) -> IO[str]:
        """The stream, without the cleaning that would remove what this console draws itself."""
        return trusted(cast("Any", super().file))

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert a text, before its width is measured."""
        return super().render_str(clean(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything; also cleans what was not given as `str`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))
