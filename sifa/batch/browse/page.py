"""The page as HTML, made on the server: it runs no script, and every text of the table is escaped."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sifa.batch.browse.table import ORDERS, STATES, Filters, Found, Table
from sifa.batch.row import Row

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
"""
TITLES = (
    ("Picture", ""),
    ("Clip", ""),
    ("Answer", ""),
    ("Probability", "number"),
    ("Class", ""),
    ("Displacement", "number"),
    ("Camera's share", "number"),
    ("Remarks", ""),
)


def table_page(table: Table, filters: Filters) -> str:
    """The page of the clips that pass."""
    found, counts = table.find(filters), table.counts()
    name = table.folder.name or str(table.folder)
    said = f"{_count(counts['clips'], 'clip')}, {counts['failed']:,} failed"
    if counts["labelled"]:
        said += f"; of {counts['labelled']:,} with a class that the weights know {counts['hits'] / counts['labelled']:.1%} right"
    return f"""{HEAD.format(title=escape(f"{name}: clips"))}<header>
<h1>{escape(name)}</h1>
<p class="quiet">{said}</p>
{_form(table, filters)}
</header>
<main>
<div class="bar"><p>{_shown(found)}</p>{_views(filters)}{_pages(filters, found)}</div>
{_grid(found.rows) if filters.view == "grid" else _table(found.rows)}
{_pages(filters, found, "end")}
</main>
</body>
</html>
"""


def notice(title: str, text: str) -> str:
    """A page that says one thing."""
    head = HEAD.format(title=escape(title))
    body = f'<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n<p><a href="/">All clips</a></p>'
    return f"{head}<main>\n{body}\n</main>\n</body>\n</html>\n"


def _form(table: Table, filters: Filters) -> str:
    answers, labels = ([(v, f"{v} ({n:,})") for v, n in table.values(column)] for column in ("answer", "label"))
    states = [(key, words) for key, (words, _) in STATES.items()]
    orders = [(key, words) for key, (words, _) in ORDERS.items()]
    chosen_label = _select("label", "Class in the list", [("", "any"), *labels], filters.label) if labels else ""
    return f"""<form method="get" action="/" aria-label="Filters">
<label>File contains<input type="search" name="name" value="{escape(filters.name)}" maxlength="200"></label>
{_select("answer", "Answer", [("", "any"), *answers], filters.answer)}
{chosen_label}
{_select("state", "Which", states, filters.state)}
<div class="pair"><label>Probability ≥<input type="number" name="low" min="0" max="1" step="any" value="{filters.low:g}"></label>
<label>and ≤<input type="number" name="high" min="0" max="1" step="any" value="{filters.high:g}"></label></div>
{_select("order", "Sorted by", orders, filters.order)}
<input type="hidden" name="view" value="{filters.view}">
<div class="actions"><button>Show</button><a href="{_link(Filters(view=filters.view))}">Clear</a></div>
</form>"""


def _select(name: str, words: str, options: Iterable[tuple[str, str]], chosen: str) -> str:
    lines = (
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in options
    )
    return f'<label>{words}<select name="{name}">{"".join(lines)}</select></label>'


def _shown(found: Found) -> str:
    if not found.total:
        return "No clip passes these filters."
    return f"<strong>{_count(found.total, 'clip')}</strong>, page {found.page:,} of {found.pages:,}"


def _views(filters: Filters) -> str:
    links = (
        f'<a href="{_link(replace(filters, view=view))}"{_current(view == filters.view)}>{words}</a>'
        for view, words in (("grid", "Pictures"), ("table", "Table"))
    )
    return f'<nav aria-label="View">{"".join(links)}</nav>'


def _pages(filters: Filters, found: Found, kind: str = "") -> str:
    if found.pages == 1:
        return ""
    steps = [("First", 1), ("Previous", found.page - 1), ("Next", found.page + 1), ("Last", found.pages)]
    links = (
        f'<a href="{_link(replace(filters, page=page))}">{words}</a>'
        if 1 <= page <= found.pages and page != found.page
        else f'<span class="quiet">{words}</span>'
        for words, page in steps
    )
    return f'<nav aria-label="Pages{", at the end" if kind else ""}"{_classed(kind)}>{"".join(links)}</nav>'


def _grid(rows: list[Row]) -> str:
    return f'<ul class="grid">{"".join(map(_card, rows))}</ul>'


def _card(row: Row) -> str:
    if row["error"] is not None:
        picture, said = (
            '<span class="quiet small">no picture</span>',
            f'<span class="small bad">{_short(row["error"])}</span>',
        )
    else:
        picture = _picture(row)
        said = f"<span>{escape(row['answer'])}</span>{_meter(row)}{_class(row)}"
    remarks = f'<span class="small quiet">{"; ".join(_remarks(row))}</span>' if row["error"] is None else ""
    return f'<li><div class="picture">{picture}</div>{_name(row)}{said}{remarks}</li>'


def _table(rows: list[Row]) -> str:
    head = "".join(f'<th scope="col"{_classed(kind)}>{title}</th>' for title, kind in TITLES)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Clips"><table><thead><tr>{head}'
        f"</tr></thead><tbody>{''.join(map(_line, rows))}</tbody></table></div>"
    )


def _line(row: Row) -> str:
    failed, camera = row["error"] is not None, row["camera"]
    cells = [
        ("", "" if failed else _picture(row)),
        ("file", _name(row)),
        ("words", escape(row["answer"] or "")),
        ("number", _number(row["probability"], "{:.3f}")),
        ("words", _class(row)),
        ("number", _number(row["moved"], "{:.2f}")),
        ("number", _number(camera and camera["share"], "{:.0%}")),
        ("said small", f'<span class="bad">{escape(row["error"])}</span>' if failed else "; ".join(_remarks(row))),
    ]
    return f"<tr>{''.join(f'<td{_classed(kind)}>{text}</td>' for kind, text in cells)}</tr>"


def _name(row: Row) -> str:
    return f'<a href="/clip/{row["number"]:d}" title="{escape(row["file"])}">{escape(Path(row["file"]).name)}</a>'


def _picture(row: Row) -> str:
    return f'<img src="/thumbnail/{row["number"]:d}" alt="" loading="lazy">'


def _meter(row: Row) -> str:
    p = row["probability"]
    return f'<meter min="0" max="1" value="{p:.4f}" aria-label="probability"></meter><span class="small quiet">{p:.1%}</span>'


def _class(row: Row) -> str:
    """The class that the list gives, and whether the answer is it, where the weights know it."""
    if row["label"] is None:
        return ""
    mark, kind = {True: ("✓ ", "good"), False: ("✗ ", "bad"), None: ("", "quiet")}[row["correct"]]
    word = {True: "right: ", False: "wrong: ", None: ""}[row["correct"]]
    shown = f'<span aria-hidden="true">{mark}</span>{word}' if mark else ""
    return f'<span class="small {kind}">{shown}{escape(row["label"])}</span>'


def _remarks(row: Row) -> list[str]:
    """What is to be known of a clip, escaped."""
    said = [text for text, so in (("unsure", row["unsure"]), ("crosses a cut", row["cut"])) if so]
    if row["padded"]:
        said.append("shorter than a clip")
    return [*said, *(escape(note) for note in row["notes"] or ())]


def _short(text: str) -> str:
    return escape(text if len(text) <= 120 else f"{text[:117]}...")


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _classed(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _current(current: bool) -> str:
    return ' aria-current="page"' if current else ""


def _link(filters: Filters) -> str:
    plain = asdict(Filters())
    asked: dict[str, Any] = {name: value for name, value in asdict(filters).items() if value != plain[name]}
    return escape(f"/?{urlencode(asked, errors='replace')}")
