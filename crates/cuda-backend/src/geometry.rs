//! Where the elements of several views lie, as numbers for a kernel's parameter and as text that reads them.

use crate::command::Words;
use maniple_runtime::View;
use std::fmt::Write;

/// The common index space of some views, with as few axes as give the same addresses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Space {
    /// Extents; none of them 1.
    pub(crate) shape: Vec<usize>,
    /// Per view the bytes from one index of an axis to the next.
    pub(crate) strides: Vec<Vec<isize>>,
    /// Per view the byte of its region at which index zero starts.
    pub(crate) offsets: Vec<isize>,
}

impl Space {
    /// The space of views of one shape: axes of extent 1 are left out, and neighbours that every view steps through as
    /// one are joined.
    pub(crate) fn new<'a>(views: impl Iterator<Item = &'a View> + Clone) -> Space {
        let mut space = Space {
            shape: Vec::new(),
            strides: views.clone().map(|_| Vec::new()).collect(),
            offsets: views.clone().map(|view| view.offset).collect(),
        };
        let Some(first) = views.clone().next() else { return space };
        for (axis, &extent) in first.shape.iter().enumerate().filter(|&(_, &extent)| extent != 1) {
            let joins = !space.shape.is_empty()
                && (views.clone().zip(&space.strides))
                    .all(|(view, strides)| strides.last() == Some(&(view.strides[axis] * extent as isize)));
            if joins {
                *space.shape.last_mut().expect("there is an axis to join") *= extent;
            } else {
                space.shape.push(extent);
            }
            for (view, strides) in views.clone().zip(&mut space.strides) {
                match strides.last_mut().filter(|_| joins) {
                    Some(stride) => *stride = view.strides[axis],
                    None => strides.push(view.strides[axis]),
                }
            }
        }
        space
    }

    /// The space of some of the axes, from the outermost.
    pub(crate) fn of_axes(views: &[&View], axes: std::ops::Range<usize>) -> Space {
        let parts: Vec<View> = (views.iter())
            .map(|view| View {
                offset: view.offset,
                shape: view.shape[axes.clone()].into(),
                strides: view.strides[axes.clone()].into(),
            })
            .collect();
        Space::new(parts.iter())
    }

    /// Number of elements.
    pub(crate) fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of axes.
    pub(crate) fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Whether view `number` steps from each element to the next, `item` bytes further.
    pub(crate) fn is_contiguous(&self, number: usize, item: usize) -> bool {
        match &self.strides[number][..] {
            [] => true,
            [stride] => *stride == item as isize,
            _ => false,
        }
    }

    /// Whether view `number` is one element everywhere.
    pub(crate) fn is_repeated(&self, number: usize) -> bool {
        self.strides[number].iter().all(|&stride| stride == 0)
    }

    /// How many words [`Space::push`] takes.
    pub(crate) fn words(&self) -> usize {
        self.ndim() * (1 + self.strides.len())
    }

    /// Appends the numbers that [`Space::text`] reads.
    pub(crate) fn push(&self, words: &mut Words) {
        for (axis, &extent) in self.shape.iter().enumerate() {
            words.push(extent as u64);
            words.extend(self.strides.iter().map(|strides| strides[axis] as u64));
        }
    }

    /// The type that numbers the elements.
    pub(crate) fn index(&self) -> &'static str {
        index_type(self.size())
    }

    /// Statements that turn the number of an element, the expression `position`, into distances in bytes: variables of
    /// the names `distances`, one for each view. The numbers are at `p.w[first..]`.
    pub(crate) fn text(&self, position: &str, first: usize, distances: &[String]) -> String {
        let index = self.index();
        let mut text = String::new();
        let _ = writeln!(text, "{index} rest_{first} = {position};");
        for name in distances {
            let _ = writeln!(text, "long long {name} = 0;");
        }
        for axis in (0..self.ndim()).rev() {
            let at = first + axis * (1 + self.strides.len());
            let coordinate = format!("at_{first}_{axis}");
            if axis == 0 {
                let _ = writeln!(text, "const {index} {coordinate} = rest_{first};");
            } else {
                let _ = writeln!(
                    text,
                    "const {index} extent_{first}_{axis} = ({index})p.w[{at}];\n\
                     const {index} next_{first}_{axis} = rest_{first} / extent_{first}_{axis};\n\
                     const {index} {coordinate} = rest_{first} - next_{first}_{axis} * extent_{first}_{axis};\n\
                     rest_{first} = next_{first}_{axis};"
                );
            }
            for (number, name) in distances.iter().enumerate() {
                let _ = writeln!(
                    text,
                    "{name} += (long long){coordinate} * (long long)p.w[{}];",
                    at + 1 + number
                );
            }
        }
        text
    }
}

/// The type that numbers `size` elements, with room for a step beyond.
pub(crate) fn index_type(size: usize) -> &'static str {
    if size < 1 << 30 { "unsigned int" } else { "unsigned long long" }
}

/// An address: a base of a binding moved by an offset.
pub(crate) fn address(base: u64, offset: isize) -> u64 {
    base.wrapping_add_signed(offset as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_axes_are_joined_where_all_views_agree() {
        let view = |shape: &[usize], strides: &[isize]| View {
            offset: 8,
            shape: shape.into(),
            strides: strides.into(),
        };
        for (shape, strides, expected_shape, expected) in [
            (&[4, 5][..], vec![&[40, 8][..], &[40, 8]], &[20][..], vec![&[8][..], &[8]]),
            (&[4, 5], vec![&[40, 8], &[0, 8]], &[4, 5], vec![&[40, 8], &[0, 8]]),
            (&[1, 5, 1], vec![&[7, 8, 9]], &[5], vec![&[8]]),
            (&[4, 5], vec![&[0, 0]], &[20], vec![&[0]]),
            (&[2, 3, 4], vec![&[96, 32, 8], &[12, 4, 24]], &[6, 4], vec![&[32, 8], &[4, 24]]),
            (&[], vec![&[]], &[], vec![&[]]),
        ] {
            let views: Vec<View> = strides.iter().map(|strides| view(shape, strides)).collect();
            let space = Space::new(views.iter());
            assert_eq!(space.shape, expected_shape);
            assert_eq!(space.strides, expected.iter().map(|strides| strides.to_vec()).collect::<Vec<_>>());
        }
    }
}
