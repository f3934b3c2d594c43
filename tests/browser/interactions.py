"""What a visitor does with the viewer, one thing after another, and what must be so afterwards: the same list for every shell.

The list goes through one viewer of the sample "object moves right" from top to bottom, so each entry starts where the one
before it ended. Conditions are JavaScript on `state`, the viewer's, and `root`, its element; each must become true by what
is done, unless it is said to stay so.
"""

from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page

from sifa.weights.shipped import DEFAULT_CHECKPOINT

FRAME, NEXT = ".sifa-query canvas", ".sifa-key canvas"
SECOND = ".sifa-key-b canvas"  # of the run beside it
FIND = "const root = [...document.querySelectorAll('.sifa')].find(e => e.sifa?.ready); const state = root?.sifa.state;"
STRONGEST = (
    "(({ weights }) => weights.indexOf(Math.max(...weights)))"  # all are positive where it is asked
    "(root.sifa.readout(state.block, state.pair, state.y, state.x))"
)
SAMPLE = DEFAULT_CHECKPOINT.parent / "samples" / "02_object_moves_right.sifa"
VIEWS = {  # of the sample: keys to press, or a selector to click
    "pair": "",
    "reverse": "r",
    "arrows": "acd",
    "saliency": "o",
    "difference": "oo",
    "track": "ooo",
    "equation": "e",
    "table": "t",
    "sheet": "s",
    "what-if": "wm",
    "experiment": "y",
    "inside": "i",
    "compare": "v",
    "trust": ".sifa-trust summary",
    "tour": "g",
    "share": "x",
    "help": "?",
}


def show_view(page: Page, name: str) -> None:
    """Go from the pair view, just opened, to another one."""
    page.locator(".sifa").evaluate("root => root.focus()")
    if VIEWS[name].startswith("."):
        page.keyboard.press("i")
        page.click(VIEWS[name])
    else:
        for key in VIEWS[name]:
            page.keyboard.press(key)
    page.wait_for_timeout(300)


class Interaction(NamedTuple):
    name: str
    act: Callable[[Page], None]
    then: str
    stays: bool = False  # whether it was so before


def place(page: Page, y: int, x: int, canvas: str = FRAME, cells: int = 16) -> tuple[float, float]:
    """The middle of a cell of a picture, on the page."""
    picture = page.locator(canvas).first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    inner = 0.88 * box["width"]
    return tuple(box[k] + 0.06 * box["width"] + (v + 0.5) * inner / cells for k, v in (("x", x), ("y", y)))


def over(y: int, x: int, canvas: str = FRAME, cells: int = 16):
    return lambda page: page.mouse.move(*place(page, y, x, canvas, cells))


def click(y: int, x: int, canvas: str = FRAME, cells: int = 16):
    return lambda page: page.mouse.click(*place(page, y, x, canvas, cells))


def key(name: str):
    return lambda page: page.keyboard.press(name)


def on(selector: str, name: str):
    """A key, with the keyboard on an element of the viewer."""
    return lambda page: page.locator(f".sifa {selector}").first.press(name)


def button(selector: str):
    return lambda page: page.locator(f".sifa {selector}").first.click()


def choose(menu: str, value: str):
    return lambda page: page.locator(f".sifa [data-set={menu}]").first.select_option(value)


def wheel(page: Page, y: int, x: int, pixels: int):
    """Turn the wheel over a cell of frame t, down where positive."""
    page.mouse.move(*place(page, y, x))
    page.mouse.wheel(0, pixels)
    page.wait_for_timeout(100)


def away(page: Page):
    page.mouse.move(2, 2)


INTERACTIONS = [
    Interaction("the third block, of 16 x 16 cells",
                lambda page: page.locator(".sifa-bar select").first.select_option("2"), "state.block === 2"),
    Interaction("hover a cell", over(4, 5), "state.y === 4 && state.x === 5 && !state.pinned"),
    Interaction("hover another", over(10, 8), "state.y === 10 && state.x === 8"),
    Interaction("click pins it", click(10, 8), "state.pinned && state.y === 10"),
    Interaction("hover leaves a pinned cell alone", over(2, 2), "state.y === 10 && state.x === 8", stays=True),
    Interaction("click another pins that, too", click(9, 9), "state.pins.length === 2 && state.y === 9 && state.x === 9"),
    Interaction("a chip for each, with letter and displacement", lambda page: None,
                "/^A \\d\\.\\d →B \\d\\.\\d →$/.test([...root.querySelectorAll('[data-pin]')].map(e => e.textContent).join(''))",
                stays=True),
    Interaction("click the first makes it the query", click(10, 8), "state.active === 0 && state.y === 10"),
    Interaction("a chip goes to its pin", button("[data-pin='1']"), "state.active === 1 && state.y === 9"),
    Interaction("the read-out names the pin", lambda page: None,
                "root.querySelector('.sifa-pin').textContent === 'pinned as B'", stays=True),
    Interaction("point at a neighbour in the table: its disc lights up",
                lambda page: page.locator(".sifa .sifa-read td").nth(2).hover(),
                "root.querySelectorAll('.sifa-read td')[2].classList.contains('sifa-chosen')"),
    Interaction("point elsewhere: it does not", over(2, 2),
                "!root.querySelector('.sifa-read .sifa-chosen')"),
    Interaction("1 goes to pin A", key("1"), "state.active === 0"),
    Interaction("p pins one more here", key("p"), "state.pins.length === 3 && state.active === 2 && state.y === 10"),
    Interaction("Shift and arrow keys move it", on(FRAME, "Shift+ArrowDown"), "state.y === 11 && state.pins[0].y === 10"),
    Interaction("the live region names it", lambda page: page.wait_for_timeout(400),
                "/row 11, column 8, pinned as C of the pins A, B, C/.test(root.querySelector('.sifa-live').textContent)"),
    Interaction("another block keeps all", key("]"), "state.block === 3 && state.pins.length === 3"),
    Interaction("and the block before, too", key("["), "state.block === 2 && state.pins.length === 3 && state.y === 11"),
    Interaction("a fourth", click(3, 3), "state.active === 3"),
    Interaction("a fifth", click(3, 12), "state.active === 4"),
    Interaction("a sixth is refused with a sentence", click(6, 2),
                "/All 5 pins are set/.test(root.querySelector('.sifa-pins p').textContent)"),
    Interaction("the × of a chip lets one go", button("[data-unpin='3']"), "state.pins[3] === null && state.active === 4"),
    Interaction("Delete lets the query go", key("Delete"), "state.pins.length === 3 && state.active === 2"),
    Interaction("Escape lets one go", key("Escape"), "state.pins.length === 2 && state.active === 1"),
    Interaction("Escape again lets all go", key("Escape"), "!state.pinned && state.pins.length === 0"),
    Interaction("click pins one alone, without a letter", click(9, 9),
                "state.pinned && root.querySelector('.sifa-pin').textContent === 'pinned'"),
    Interaction("click it again lets it go", click(9, 9), "!state.pinned"),
    Interaction("hover the next frame asks in reverse", over(10, 9, NEXT), "state.reverse && state.y === 10"),
    Interaction("click there pins the reverse question", click(10, 9, NEXT), "state.reverse && state.pinned"),
    Interaction("Escape lets it go", key("Escape"), "!state.pinned && state.reverse"),
    Interaction("leaving the next frame ends it", away, "!state.reverse && state.y === 9 && state.x === 9"),
    Interaction("r asks in reverse", key("r"), "state.reverse"),
    Interaction("r asks the query again", key("r"), "!state.reverse"),
    Interaction("r asks in reverse once more", key("r"), "state.reverse"),
    Interaction("Escape returns to the query", key("Escape"), "!state.reverse"),
    Interaction("click pins by mouse again", click(8, 8), "state.pinned && state.y === 8 && state.x === 8"),
    Interaction("Shift and arrow down moves the cell", on(FRAME, "Shift+ArrowDown"), "state.y === 9"),
    Interaction("Shift and arrow up", on(FRAME, "Shift+ArrowUp"), "state.y === 8"),
    Interaction("Shift and arrow right", on(FRAME, "Shift+ArrowRight"), "state.x === 9"),
    Interaction("Shift and arrow left", on(FRAME, "Shift+ArrowLeft"), "state.x === 8"),
    Interaction("Enter lets a pinned cell go", on(FRAME, "Enter"), "!state.pinned"),
    Interaction("Enter pins it, and the live region reads the cell", on(FRAME, "Enter"),
                "state.pinned && /row 8, column 8, pinned/.test(root.querySelector('.sifa-live').textContent)"),
    Interaction(", goes back in time", key(","), "state.pair === 2"),
    Interaction(". goes on", key("."), "state.pair === 3"),
    Interaction("arrow left is the step before, on the picture, too", on(FRAME, "ArrowLeft"), "state.pair === 2"),
    Interaction("arrow right the next one, on the other picture", on(NEXT, "ArrowRight"), "state.pair === 3"),
    Interaction("button: Inside opens", button(".sifa-tools [data-panel=inside]"), "!root.querySelector('.sifa-inside').hidden"),
    Interaction("the strip of blocks", button(".sifa-way [data-block='4']"), "state.block === 4"),
    Interaction("and back to the third", button(".sifa-way [data-block='2']"), "state.block === 2"),
    Interaction("button: previous step", button("[data-do=previous]"), "state.pair === 2"),
    Interaction("button: next step", button("[data-do=next]"), "state.pair === 3"),
    Interaction("the time slider", lambda page: page.locator(".sifa-bar input").first.fill("0"), "state.pair === 0"),
    Interaction("a step of the filmstrip", button(".sifa-film > :nth-child(4)"), "state.pair === 3"),
    Interaction("] goes deeper", key("]"), "state.block === 3"),
    Interaction("[ goes back", key("["), "state.block === 2"),
    Interaction("button: next block", button("[data-do=deeper]"), "state.block === 3"),
    Interaction("button: previous block", button("[data-do=shallower]"), "state.block === 2"),
    Interaction("the list of blocks", lambda page: page.locator(".sifa-bar select").first.select_option("4"),
                "state.block === 4"),
    Interaction("and back", lambda page: page.locator(".sifa-bar select").first.select_option("2"), "state.block === 2"),
    Interaction("button: play", button("[data-do=play]"), "state.playing"),
    Interaction("button: pause", button("[data-do=play]"), "!state.playing"),
    Interaction("space plays", on(FRAME, " "), "state.playing"),
    Interaction("space pauses", on(FRAME, " "), "!state.playing"),
    Interaction("> plays faster", key(">"), "state.speed === 2"),
    Interaction("< plays slower", key("<"), "state.speed === 1"),
    Interaction("menu: speed", choose("speed", "0.5"), "state.speed === 0.5"),
    Interaction("q hides the arrows", on(FRAME, "q"), "!state.quiver"),
    Interaction("q shows them", key("q"), "state.quiver"),
    Interaction("a: mean offsets", key("a"), "state.arrows === 'offset'"),
    Interaction("menu: the strongest neighbour", choose("arrows", "strongest"), "state.arrows === 'strongest'"),
    Interaction("menu: displacement", choose("arrows", "displacement"), "state.arrows === 'displacement'"),
    Interaction("D draws fewer arrows", on(FRAME, "D"),
                "state.density === 'sparse' && root.querySelector('[data-do=fewer]').ariaDisabled === 'true'"),
    Interaction("d draws more", key("d"),
                "state.density === 'medium' && root.querySelector('[data-do=fewer]').ariaDisabled === 'false'"),
    Interaction("+ enlarges both pictures about the cell", key("+"),
                "state.zoom === 1.5 && [...root.querySelectorAll('.sifa-zoom')].map(e => e.textContent).join() === '1.5×,1.5×'"),
    Interaction("- shows the whole again", key("-"), "state.zoom === 1"),
    Interaction("the wheel enlarges about the pointer", lambda page: wheel(page, 8, 9, -240),
                "state.zoom > 1.2 && state.midX > 0.5"),
    Interaction("the wheel back to the whole", lambda page: wheel(page, 8, 9, 1200), "state.zoom === 1 && state.midX === 0.5"),
    Interaction("the wheel once more", lambda page: wheel(page, 3, 3, -240), "state.zoom > 1.2"),
    Interaction("Escape closes the drawer first", key("Escape"), "state.panel === 'none' && state.zoom > 1.2"),
    Interaction("Escape again shows the whole, and the pin stays", key("Escape"), "state.zoom === 1 && state.pinned"),
    Interaction("f fills the screen", key("f"), "document.fullscreenElement === root"),
    Interaction("f gives it back", key("f"), "document.fullscreenElement === null"),
    Interaction("button: Inside again", button(".sifa-tools [data-panel=inside]"), "state.panel === 'inside'"),
    Interaction("c colours them by direction", key("c"), "state.tinted"),
    Interaction("button: one colour", button("[data-do=tint]"), "!state.tinted"),
    Interaction("o lays the saliency over", on(FRAME, "o"), "state.overlay === 'saliency'"),
    Interaction("menu: the frame difference", choose("overlay", "difference"), "state.overlay === 'difference'"),
    Interaction("menu: the track", choose("overlay", "track"), "!root.querySelector('.sifa-chart').hidden"),
    Interaction("menu: no overlay", choose("overlay", "none"), "root.querySelector('.sifa-chart').hidden"),
    Interaction("e opens the equation", on(FRAME, "e"), "state.drawer === 'equation'"),
    Interaction("n: the neighbour after the strongest", key("n"), f"state.tap === ({STRONGEST} + 1) % 9"),
    Interaction("N: back again", key("N"), f"state.tap === {STRONGEST}"),
    Interaction("point at a term", lambda page: page.locator(".sifa-equation button").nth(3).hover(),
                "root.querySelector('.sifa-equation .sifa-lit') !== null"),
    Interaction("t: the table of neighbours", on(FRAME, "t"),
                "root.querySelectorAll('[data-drawer=neighbours] tr').length === 10"),
    Interaction("s: the contact sheet", key("s"), "root.querySelectorAll('.sifa-tiles button').length === 42"),
    Interaction("a tile goes there", lambda page: page.locator(".sifa-tiles button").nth(12).click(),
                "state.block === 1 && state.pair === 5"),
    Interaction("menu: nothing more", choose("drawer", "none"), "root.querySelector('.sifa-drawer').hidden"),
    Interaction("w: the first what-if", on(FRAME, "w"), "state.whatIf === 'rigid'"),
    Interaction("W: none", key("W"), "state.whatIf === ''"),
    Interaction("button: Experiment takes its place", button(".sifa-tools [data-panel=experiment]"),
                "root.querySelector('.sifa-inside').hidden && !root.querySelector('.sifa-experiment').hidden"),
    Interaction("a what-if by mouse", button("[data-name=frozen]"),
                "root.querySelector('.sifa-says').textContent.includes('nothing moves')"),
    Interaction("the same again: none", button("[data-name=frozen]"), "state.whatIf === ''"),
    Interaction("m draws the true motion", on(FRAME, "m"), "state.flow"),
    Interaction("by mouse: without it", button("[data-name=flow]"), "!state.flow"),
    Interaction("the × of a drawer closes it", button(".sifa-experiment [data-panel=none]"), "state.panel === 'none'"),
    Interaction("i opens Inside", on(FRAME, "i"), "state.panel === 'inside'"),
    Interaction("y opens Experiment", key("y"), "state.panel === 'experiment'"),
    Interaction("Escape closes it, and the block stays", key("Escape"), "state.panel === 'none' && state.block === 1"),
    Interaction("button: Inside once more", button(".sifa-tools [data-panel=inside]"), "state.panel === 'inside'"),
    Interaction("the panel of trust opens", button(".sifa-trust summary"), "root.querySelector('.sifa-trust').open"),
    Interaction("button: Compare takes the place of the drawers", button(".sifa-tools [data-panel=compare]"),
                "root.dataset.compared === 'twins' && root.querySelector('.sifa-inside').hidden"),
    Interaction("both answers stand there", lambda page: None,
                "(([one, other]) => one !== other && /still, sure .*moves right, sure/.test(one) && /still, /.test(other))("
                "[...root.querySelectorAll('.sifa-verdict')].map(e => e.textContent))", stays=True),
    Interaction("Escape lets the pin stay and closes it", key("Escape"), "state.panel === 'none' && state.pinned"),
    Interaction("v opens Compare", key("v"), "state.panel === 'compare'"),
    Interaction("Delete lets the pin go there, too", key("Delete"), "!state.pinned"),
    Interaction("hover the run beside it: who reads this place, of both runs", over(1, 1, SECOND, cells=32),
                "state.y === 1 && state.reverse && /^(One|\\d+) spots? of/.test(root.querySelector('.sifa-words').textContent)"),
    Interaction("hover frame t: both are asked there", over(3, 4, cells=32),
                "state.y === 3 && !state.reverse && /cells|stayed|same place/.test(root.querySelector('.sifa-words').textContent)"),
    Interaction("click pins it for both", click(3, 5, cells=32), "state.pinned && state.y === 3 && state.x === 5"),
    Interaction("another what-if by its list", lambda page: page.locator(".sifa [data-against]").first.select_option("what:frozen"),
                "root.dataset.compared === 'clips' && /nothing moves/.test(root.querySelectorAll('.sifa-verdict')[1].textContent)"),
    Interaction("arrow keys are those of time for both", key("ArrowLeft"), "state.pair === 4"),
    Interaction("and back to step 6", key("ArrowRight"), "state.pair === 5"),
    Interaction("Done closes it", button(".sifa-compare [data-panel=none]"), "state.panel === 'none'"),
    Interaction("? opens the help", on(FRAME, "?"), "root.querySelector('.sifa-help').open"),
    Interaction("? closes it", key("?"), "!root.querySelector('.sifa-help').open"),
    Interaction("x opens what can be exported", on(FRAME, "x"), "root.querySelector('.sifa-share').open"),
    Interaction("Escape closes the dialog", key("Escape"), "!root.querySelector('.sifa-share').open"),
    Interaction("a sentence says what is seen", lambda page: None,
                "/cells|stayed/.test(root.querySelector('.sifa-sentence').textContent)",
                stays=True),
    Interaction("g starts the tour", on(FRAME, "g"), "state.tour === 0 && !root.querySelector('.sifa-tour').hidden"),
    Interaction("Page down goes on", key("PageDown"), "state.tour === 1"),
    Interaction("its timeline", lambda page: page.locator(".sifa-tour input").first.fill("9"),
                "state.tour === 9 && state.overlay === 'track'"),
    Interaction("the end of the tour", button("[data-tour=end]"), "state.tour === -1"),
]  # fmt: skip


def go_through(page: Page) -> None:
    """Do everything on the list; the first thing that does not come out as it must is named."""
    for number, (name, act, then, stays) in enumerate(INTERACTIONS, 1):
        holds = f"() => {{ {FIND} return Boolean({then}); }}"
        assert page.evaluate(holds) == stays, f"{number}. {name}: {then} is {not stays} beforehand"
        try:
            act(page)
            page.wait_for_function(holds, timeout=10_000)
        except Exception as error:
            state = page.evaluate(f"() => {{ {FIND} return JSON.stringify(state); }}")
            raise AssertionError(f"{number}. {name}: not {then}; the state is {state}") from error
