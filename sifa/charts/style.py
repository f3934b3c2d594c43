"""What all charts have in common: their colours, and the space around them."""

import plotly.graph_objects as go

BAR = "#2e8fa8"
LINES = ("#d55e00", "#3a78d0", "#009e73", "#cc79a7")  # told apart by colour-blind eyes, too
AROUND_ZERO = [[0, "#2c5fa8"], [0.5, "#f4f4f2"], [1, "#c95a12"]]  # blue: negative, orange: positive
DASHES = ("solid", "dash", "dot", "dashdot")  # the next dash where the colours start again
INK, GRID, AXIS = "#7c8896", "rgba(124,136,150,.25)", "rgba(124,136,150,.5)"  # on light and on dark
CLEAR = "rgba(0,0,0,0)"


def tidy(figure: go.Figure, height: int) -> go.Figure:
    """The figure itself, with the margins, fonts and axes of all charts; `height` in pixels."""
    figure.update_layout(
        height=height,
        margin=dict(l=10, r=10, t=36, b=10),
        title=dict(font_size=14, x=0.02, y=0.97),
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font=dict(family="system-ui, sans-serif", size=12, color=INK),
        hoverlabel_font_family="system-ui, sans-serif",
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=AXIS, automargin=True, fixedrange=True, tickangle=0)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=AXIS, automargin=True, fixedrange=True)
    return figure
