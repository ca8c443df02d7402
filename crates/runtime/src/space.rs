//! The common index space of several views, as kernels of devices step through it.

use crate::View;

/// The common index space of some views, with as few axes as give the same addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// Extents; none of them 1.
    pub shape: Vec<usize>,
    /// Per view the bytes from one index of an axis to the next.
    pub strides: Vec<Vec<isize>>,
    /// Per view the byte of its region at which index zero starts.
    pub offsets: Vec<isize>,
}

impl Space {
    /// The space of views of one shape: axes of extent 1 are left out, and neighbours that every view steps through as
    /// one are joined.
    pub fn new<'a>(views: impl Iterator<Item = &'a View> + Clone) -> Space {
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
    pub fn of_axes(views: &[&View], axes: std::ops::Range<usize>) -> Space {
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
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Whether view `number` steps from each element to the next, `item` bytes further.
    pub fn is_contiguous(&self, number: usize, item: usize) -> bool {
        match &self.strides[number][..] {
            [] => true,
            [stride] => *stride == item as isize,
            _ => false,
        }
    }

    /// How many numbers say where elements lie: per axis its extent, and a stride for every view.
    pub fn words(&self) -> usize {
        self.ndim() * (1 + self.strides.len())
    }

    /// Whether view `number` is one element everywhere.
    pub fn is_repeated(&self, number: usize) -> bool {
        self.strides[number].iter().all(|&stride| stride == 0)
    }
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
