"""Whether the parts of a figure have the room they need."""

from itertools import combinations


def crowded(figure):
    """The parts of `figure` that are cut off by the page or overlap another one."""
    figure.draw_without_rendering()
    page = figure.bbox
    parts = [figure._suptitle, *figure.legends, *figure.axes]
    boxes = [(part, part.get_tightbbox()) for part in parts if part is not None]
    cut = [
        part
        for part, box in boxes
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
    pairs = combinations(boxes, 2)
    return cut + [(one, other) for (one, a), (other, b) in pairs if a.overlaps(b)]
