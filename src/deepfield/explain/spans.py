"""Spans: how far along an axis a layer carries what a window changes."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Equal intervals at even distances along one axis of a map, one for each window.

    They may reach over the edges of the map; what lies there means nothing.

    Args:
        start: first pixel of the first interval.
        step: from one interval to the next, px.
        count: of intervals.
        size: of each, px.
    """

    start: int
    step: int
    count: int
    size: int

    def reach(self, kernel: int, stride: int, padding: int, dilation: int) -> "Span | None":
        """The outputs of a sliding kernel that see any pixel of the intervals.

        Output i sees the pixels ``i * stride - padding + j * dilation`` for j in 0 to kernel - 1.

        Returns:
            intervals of outputs; None where they would differ in size from window to window, or
            where a stride beyond the kernel leaves none.

        Example:
            >>> Span(4, 8, 2, 8).reach(kernel=3, stride=2, padding=1, dilation=1)
            Span(start=2, step=4, count=2, size=5)
        """
        first = -((self.start + padding - (kernel - 1) * dilation) // -stride)
        last = (self.start + self.size - 1 + padding) // stride
        if last < first or (self.count > 1 and self.step % stride):
            return None
        return Span(first, self.step // stride, self.count, last - first + 1)

    def field(self, kernel: int, stride: int, padding: int, dilation: int) -> "Span":
        """The pixels that these outputs of a sliding kernel see.

        Example:
            >>> Span(2, 4, 2, 5).field(kernel=3, stride=2, padding=1, dilation=1)
            Span(start=3, step=8, count=2, size=11)
        """
        return Span(
            self.start * stride - padding,
            self.step * stride,
            self.count,
            (self.size - 1) * stride + (kernel - 1) * dilation + 1,
        )

    def union(self, other: "Span") -> "Span | None":
        """The smallest intervals that hold both; None where the windows are not spaced alike."""
        if self.count != other.count or (self.count > 1 and self.step != other.step):
            return None
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return Span(start, self.step, self.count, end - start)

    def moved(self, by: int) -> "Span":
        """The same intervals on a map with so many more pixels before them."""
        return Span(self.start + by, self.step, self.count, self.size)

    def margin(self, side: int) -> int:
        """How far the intervals reach over the edges of a map, px."""
        end = self.start + (self.count - 1) * self.step + self.size
        return max(0, -self.start, end - side)

    def inside(self, number: int, side: int) -> tuple[slice, slice]:
        """The pixels of one interval that are on the map: where there, and where within it.

        Example:
            >>> Span(-2, 8, 2, 5).inside(0, 10)
            (slice(0, 3, None), slice(2, 5, None))
        """
        first = self.start + number * self.step
        begin = min(max(0, first), side)
        end = max(begin, min(side, first + self.size))
        return slice(begin, end), slice(begin - first, end - first)

    def outside(self, side: int) -> Iterator[tuple[int, slice]]:
        """The parts of intervals beyond the edges: number of the interval, pixels within it.

        Example:
            >>> list(Span(-2, 8, 2, 5).outside(10))
            [(0, slice(0, 2, None)), (1, slice(4, 5, None))]
        """
        for number in range(self.count):
            first = self.start + number * self.step
            if first < 0:
                yield number, slice(0, min(-first, self.size))
            if first + self.size > side:
                yield number, slice(max(0, side - first), self.size)
