"""The row of stars that components rate with."""

from leafcore.data.review import MOST_STARS


def stars_html() -> str:
    """Return a button for each number of stars, without space between them."""
    counted = (f"{count} star{'s' if count > 1 else ''}" for count in range(1, MOST_STARS + 1))
    buttons = (
        f'<button type="button" aria-label="{name}" title="{number}">★</button>'
        for number, name in enumerate(counted, start=1)
    )
    return f'<span class="stars" role="group" aria-label="Rating">{"".join(buttons)}</span>'
