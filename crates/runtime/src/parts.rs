//! A launch of several folds as one launch for each: for backends whose kernels fold one value.

use crate::{Binding, Kernel, Launch, Reduce};
use std::sync::Arc;

/// A launch that does a part of what another one does.
#[derive(Debug)]
pub struct FoldPart {
    /// What it does. Its steps have the same numbers, so that flags of theirs go to the same report; its task that folds
    /// is the last one.
    pub launch: Launch,
    /// The fold, by its number in the whole launch.
    pub fold: usize,
    /// Positions of its arguments among those of the whole launch.
    pub args: Vec<usize>,
}

impl FoldPart {
    /// A launch for every fold, to be run in order for any range of points: the last one stores what the launch stores
    /// besides, which may be where the others read. What is computed anew for each would cost more to store and to load.
    pub fn all(launch: &Launch, reduce: &Reduce) -> Vec<FoldPart> {
        let stored = reduce.body.outputs.len() - reduce.ops.len();
        let inputs = reduce.body.inputs.len();
        let last = reduce.ops.len() - 1;
        let part = |fold: usize| {
            let stores = if fold == last { stored } else { 0 };
            let mut args: Vec<usize> = (0..inputs + stores).collect();
            args.push(inputs + stored + fold);
            let mut body = reduce.body.clone();
            body.outputs = body.outputs[..stores].to_vec();
            body.outputs.push(reduce.body.outputs[stored + fold]);
            // Its task changes places with the last one.
            let places = (launch.folder(fold), launch.folder(last));
            let swapped = |list: &[u8]| {
                let mut list = list.to_vec();
                list.swap(places.0, places.1);
                list
            };
            let mut tasks = launch.tasks.clone();
            if !tasks.is_empty() {
                tasks.swap(places.0, places.1);
            }
            let owner = |&owner: &u16| match owner as usize {
                at if at == places.0 => places.1 as u16,
                at if at == places.1 => places.0 as u16,
                _ => owner,
            };
            let kernel = Kernel::Reduce(Reduce {
                body,
                ops: vec![reduce.ops[fold]],
                axes: reduce.axes.clone(),
                kept: reduce.kept,
                order: reduce.order,
            });
            FoldPart {
                launch: Launch {
                    kernel: Arc::new(kernel),
                    args: args.iter().map(|&at| launch.args[at].clone()).collect(),
                    extent: launch.extent,
                    grain: launch.grain,
                    scalars: launch.scalars.clone(),
                    tasks,
                    owners: launch.owners.iter().map(owner).collect(),
                    watch: swapped(&launch.watch),
                    exchanges: launch.exchanges.clone(),
                    near: launch.near.clone(),
                    prepared: Default::default(),
                },
                fold,
                args,
            }
        };
        (0..reduce.ops.len()).map(part).collect()
    }

    /// What of the whole launch's binding concerns this part.
    pub fn binding(&self, whole: &Binding) -> Binding {
        Binding {
            bases: self.args.iter().map(|&at| whole.bases[at]).collect(),
            scalars: whole.scalars.clone(),
            report: whole.report.clone(),
            ..Binding::default()
        }
    }
}
