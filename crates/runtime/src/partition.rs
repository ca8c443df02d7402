//! Stage 3: how the points of a launch are cut, and which bytes each piece of it touches.
//!
//! The domain of a launch is one line of points, and a partition is symbolic: an argument's [`Access`] says which
//! elements a range of points touches, so "whole", "tiled" and "by rows" need no list of pieces, and nothing about a
//! partition depends on how many pieces the mapper will ask for.

use crate::{Access, Arg, Launch, Order, Privilege, Span};
use maniple_ops::LEAF;

impl Arg {
    /// The bytes between which every point may touch anything, if the argument has no per-point partition.
    pub fn whole(&self) -> Option<Span> {
        match self.access {
            Access::Whole(span) => Some(span),
            _ => None,
        }
    }

    /// Whether every piece writes every byte of its span, so that what was there before need not be there.
    pub fn overwrites(&self) -> bool {
        let item = self.dtype.size();
        self.privilege == Privilege::Write
            && self.access == Access::Element
            && self.view.is_contiguous(item)
            && !self.view.overlaps_itself(item)
    }

    /// A range that holds every byte the argument touches.
    pub fn full_span(&self) -> Span {
        self.whole().unwrap_or_else(|| self.view.span(self.dtype.size()))
    }

    /// A range that holds every byte that the points `first..last` touch.
    pub fn span_of(&self, first: usize, last: usize) -> Span {
        let item = self.dtype.size();
        if first >= last {
            return Span { low: 0, high: 0 };
        }
        match self.access {
            Access::Element => self.view.span_of(first, last, item),
            Access::Rows(n) => self.view.span_of(first * n, (last * n).min(self.view.size()), item),
            Access::Whole(span) => span,
            Access::Cells { start, bytes, beyond } => {
                let all = self.view.span(item);
                let at = |point: usize| start + (point * bytes) as isize;
                let low = at(first).max(all.low as isize) as usize;
                let high = (at(last) + beyond as isize).clamp(0, all.high as isize) as usize;
                if low < high { Span { low, high } } else { Span { low: 0, high: 0 } }
            }
            Access::Leaves { n, leaves, kept, order } => {
                let (start, end) = match order {
                    Order::KeptFirst => {
                        let element = |point: usize, leaf: usize| (point / leaves) * n + (leaf * LEAF).min(n);
                        (element(first, first % leaves), element(last - 1, (last - 1) % leaves + 1))
                    }
                    Order::ReducedFirst => {
                        let row = |leaf: usize| (leaf * LEAF).min(n) * kept;
                        (row(first / kept), row((last - 1) / kept + 1))
                    }
                };
                self.view.span_of(start, end.min(self.view.size()), item)
            }
        }
    }
}

/// Cuts the points of a launch into at most `pieces` contiguous ranges of nearly equal size that begin at multiples of
/// the launch's grain. Never empty ranges; no ranges at all for a launch without points.
pub fn cut(launch: &Launch, pieces: u32) -> Vec<(usize, usize)> {
    let grains = launch.extent.div_ceil(launch.grain.max(1));
    let pieces = (pieces.max(1) as usize).min(grains);
    (0..pieces)
        .map(|piece| {
            let bound = |piece: usize| (grains * piece / pieces * launch.grain.max(1)).min(launch.extent);
            (bound(piece), bound(piece + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kernel, View};
    use maniple_ops::Dtype;

    fn launch(extent: usize, grain: usize) -> Launch {
        Launch::of_no_task(Kernel::Nonzero, Vec::new(), extent, grain)
    }

    #[test]
    fn cuts_cover_every_point_once() {
        for (extent, grain, pieces) in
            [(10, 1, 3), (0, 1, 3), (5, 64, 3), (1000, 64, 7), (1, 1, 9), (128, 64, 2)]
        {
            let ranges = cut(&launch(extent, grain), pieces);
            let mut at = 0;
            for (first, last) in ranges {
                assert!(first == at && last > first && (first % grain == 0));
                at = last;
            }
            assert_eq!(at, extent);
        }
    }

    #[test]
    fn leaves_name_their_elements() {
        let access = |order| Access::Leaves { n: 2500, leaves: 3, kept: 4, order };
        let arg = |order| Arg {
            role: 0,
            privilege: Privilege::Read,
            dtype: Dtype::Int8,
            access: access(order),
            view: View::contiguous(&[10_000], 1),
        };
        for (order, first, last, low, high) in [
            (Order::KeptFirst, 0, 1, 0, 1024),
            (Order::KeptFirst, 2, 3, 2048, 2500),
            (Order::KeptFirst, 1, 4, 1024, 2500 + 1024),
            (Order::KeptFirst, 0, 12, 0, 10_000),
            (Order::ReducedFirst, 0, 4, 0, 4096),
            (Order::ReducedFirst, 8, 12, 8192, 10_000),
        ] {
            assert_eq!(arg(order).span_of(first, last), Span { low, high }, "{order:?} {first}..{last}");
        }
    }
}
