//! Renaming: what an array is computed from, its own neighbouring elements, cannot be overwritten element by element.
//!
//! `u[1:-1] = u[:-2] + u[2:]` would take a temporary array and a copy. Instead all of the region is written to other
//! memory, the elements that the view leaves out by copies, and then the two exchange their bytes:
//!
//! ```text
//! copy:  spare[0], spare[-1] = u[0], u[-1]
//! map:   spare[1:-1] = u[:-2] + u[2:]
//! u, spare = spare, u
//! ```
//!
//! Processors rename registers for the same reason.

use crate::{Access, Arg, Kernel, Launch, Privilege, Role, Shape, Strides, View};
use maniple_ops::{Body, Dtype};
use smallvec::SmallVec;

/// An output that goes to other memory.
#[derive(Clone)]
pub(crate) struct Rename {
    /// The region that the tasks name.
    pub(crate) role: Role,
    /// Its elements.
    pub(crate) dtype: Dtype,
    /// What is written.
    pub(crate) view: View,
    /// What else the region holds.
    pub(crate) rest: Vec<View>,
}

impl Rename {
    /// How to rename an output to a region of some bytes; nothing if the view is no box of a grid that fills the region,
    /// or leaves out more than it writes.
    pub(crate) fn new(output: &Arg, bytes: usize) -> Option<Rename> {
        let item = output.dtype.size();
        if 2 * output.view.size() * item < bytes {
            return None;
        }
        let rest = rest(&output.view, item, bytes)?;
        Some(Rename { role: output.role, dtype: output.dtype, view: output.view.clone(), rest })
    }

    /// The launches that copy parts of the region to a spare; views of one shape together.
    pub(crate) fn copies(&self, parts: &[View], spare: Role) -> Vec<Launch> {
        let dtype = self.dtype;
        let arg = |role, privilege, view: &View| Arg {
            role,
            privilege,
            dtype,
            access: Access::Element,
            view: view.clone(),
        };
        let alike = parts.chunk_by(|a, b| a.shape == b.shape);
        alike
            .map(|views| {
                let mut args: Vec<Arg> =
                    views.iter().map(|view| arg(self.role, Privilege::Read, view)).collect();
                args.extend(views.iter().map(|view| arg(spare, Privilege::Write, view)));
                let body = Body {
                    inputs: vec![dtype; views.len()],
                    constants: Vec::new(),
                    steps: Vec::new(),
                    outputs: (0..views.len() as u16).collect(),
                };
                Launch::of_no_task(Kernel::Map(body), args, views[0].size(), 64)
            })
            .collect()
    }
}

/// An axis of a grid, with the part of it that a view takes.
struct Axis {
    stride: usize,
    extent: usize,
    start: usize,
    taken: usize,
}

/// The elements of a region of `bytes` bytes that a view of elements of `item` bytes leaves out, each once: what lies
/// before and after it along every axis of the grid that it is a box of. Nothing if there is no such grid.
fn rest(view: &View, item: usize, bytes: usize) -> Option<Vec<View>> {
    let axes = grid(view, item, bytes)?;
    let mut rest = Vec::new();
    for (at, axis) in axes.iter().enumerate() {
        let end = axis.start + axis.taken;
        for (start, count) in [(0, axis.start), (end, axis.extent - end)] {
            if count == 0 {
                continue;
            }
            let part = |other: usize, of: &Axis| match other {
                _ if other < at => (of.start, of.taken),
                _ if other == at => (start, count),
                _ => (0, of.extent),
            };
            let parts: SmallVec<[(usize, usize); 4]> =
                axes.iter().enumerate().map(|(other, of)| part(other, of)).collect();
            let offset: usize = parts.iter().zip(&axes).map(|(&(start, _), axis)| start * axis.stride).sum();
            let (shape, strides): (Shape, Strides) = (parts.iter().zip(&axes))
                .filter(|&(&(_, count), _)| count > 1)
                .map(|(&(_, count), axis)| (count, axis.stride as isize))
                .unzip();
            rest.push(View { offset: offset as isize, shape, strides });
        }
    }
    Some(rest)
}

/// The grid of elements that fills the region and that the view is a box of, outermost axis first.
fn grid(view: &View, item: usize, bytes: usize) -> Option<Vec<Axis>> {
    if view.offset < 0 || view.shape.contains(&0) {
        return None;
    }
    let mut steps: SmallVec<[(usize, usize); 4]> = SmallVec::new();
    for (&extent, &stride) in view.shape.iter().zip(&view.strides).filter(|&(&extent, _)| extent > 1) {
        steps.push((usize::try_from(stride).ok()?, extent));
    }
    steps.sort_unstable_by(|a, b| b.cmp(a));
    if steps.last().is_none_or(|&(stride, _)| stride != item) {
        steps.push((item, 1));
    }
    let (mut pitch, mut rest) = (bytes, view.offset as usize);
    let mut axes = Vec::with_capacity(steps.len());
    for (stride, taken) in steps {
        if stride == 0 || pitch % stride != 0 {
            return None;
        }
        let (extent, start) = (pitch / stride, rest / stride);
        if start + taken > extent {
            return None;
        }
        axes.push(Axis { stride, extent, start, taken });
        (pitch, rest) = (stride, rest % stride);
    }
    (pitch == item && rest == 0).then_some(axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte of the region is in the view or in one part of the rest, once.
    #[test]
    fn a_view_and_its_rest_are_the_region() {
        let cases: &[(isize, &[usize], &[isize], usize, usize, Option<usize>)] = &[
            (8, &[8], &[8], 8, 80, Some(2)),
            (0, &[10], &[8], 8, 80, Some(0)),
            (56, &[3, 4], &[48, 8], 8, 240, Some(4)),
            (56, &[4, 3], &[8, 48], 8, 240, Some(4)),
            (48, &[3, 6], &[48, 8], 8, 240, Some(2)),
            (0, &[5], &[16], 8, 80, Some(1)),
            (8, &[5], &[16], 8, 80, Some(1)),
            (64, &[], &[], 8, 240, Some(2)),
            (124, &[3, 2, 4], &[96, 24, 4], 4, 480, Some(6)),
            (0, &[3, 1, 6], &[96, 7, 4], 4, 480, Some(2)),
            (72, &[10], &[-8], 8, 80, None),
            (0, &[4, 4], &[8, 8], 8, 80, None),
            (0, &[3, 5], &[0, 8], 8, 80, None),
            (4, &[9], &[8], 8, 80, None),
            (32, &[3, 4], &[48, 8], 8, 240, None),
            (0, &[3, 4], &[56, 8], 8, 240, None),
            (0, &[0], &[8], 8, 80, None),
        ];
        for &(offset, shape, strides, item, bytes, parts) in cases {
            let view =
                View { offset, shape: Shape::from_slice(shape), strides: Strides::from_slice(strides) };
            let found = rest(&view, item, bytes);
            assert_eq!(found.as_ref().map(Vec::len), parts, "{view:?}");
            let Some(found) = found else { continue };
            let mut seen = vec![0; bytes];
            for part in found.iter().chain([&view]) {
                for flat in 0..part.size() {
                    let (mut left, mut at) = (flat, part.offset);
                    for axis in (0..part.ndim()).rev() {
                        at += (left % part.shape[axis]) as isize * part.strides[axis];
                        left /= part.shape[axis];
                    }
                    seen[at as usize..at as usize + item].iter_mut().for_each(|count| *count += 1);
                }
            }
            assert!(seen.iter().all(|&count| count == 1), "{view:?}: {found:?}");
        }
    }
}
