//! A body cut into runs of simple steps and what lies between them.

use super::Jit;
use maniple_ops::{Body, Step, Value};
use std::ops::Range;

/// A run of steps of a body.
#[derive(Debug)]
pub(crate) struct Section {
    /// The steps.
    pub(crate) steps: Range<usize>,
    /// The run as a body of its own: its inputs, constants and outputs are the values below.
    pub(crate) run: Body,
    /// Values of the whole body that have an element for every position.
    pub(crate) inputs: Vec<Value>,
    /// Values of the whole body that are the same everywhere.
    pub(crate) constants: Vec<Value>,
    /// Values that are wanted after the run.
    pub(crate) outputs: Vec<Value>,
    /// Constants that the code needs itself, behind the others: eight bytes, repeated.
    pub(crate) patterns: Vec<u64>,
}

/// The runs of a body, each of at least `fewest` steps. `same` tells inputs that are the same for all elements; `kept` tells, of a range of steps, the
/// inputs that the run shall store beside its results.
pub(crate) fn plan(
    jit: &Jit,
    body: &Body,
    fewest: usize,
    same: impl Fn(Value) -> bool,
    kept: impl Fn(&Range<usize>) -> Vec<Value>,
) -> Vec<Section> {
    let shape = Shape::new(body);
    let section = |steps: Range<usize>| {
        let mut section = shape.section(steps.clone(), &same);
        section.run.outputs.extend(kept(&steps).iter().filter_map(|value| {
            section.inputs.iter().position(|input| input == value).map(|at| at as Value)
        }));
        section.patterns = jit.lowered(&section.run)?.patterns;
        Some(section)
    };
    let simple: Vec<bool> = (0..body.steps.len())
        .map(|step| jit.lowered(&shape.section(step..step + 1, &same).run).is_some())
        .collect();
    let mut sections = Vec::new();
    let mut start = 0;
    while start < simple.len() {
        let end = (start..simple.len()).find(|&step| !simple[step]).unwrap_or(simple.len());
        let mut length = end - start;
        // Too wide a run for the registers is cut in two.
        let found = loop {
            if length < fewest {
                break None;
            }
            match section(start..start + length) {
                Some(section) => break Some(section),
                None => length = length.div_ceil(2).min(length - 1),
            }
        };
        start += length.max(1);
        sections.extend(found);
    }
    sections
}

/// What of a body is needed to cut it.
struct Shape<'a> {
    body: &'a Body,
    dtypes: Vec<maniple_ops::Dtype>,
    /// The first result of every step, and the number of values.
    results: Vec<usize>,
    /// The last step that uses every value; the number of steps for outputs.
    last_use: Vec<usize>,
}

impl Shape<'_> {
    fn new(body: &Body) -> Shape<'_> {
        let mut results = vec![body.first_result()];
        let mut last_use = vec![0; body.values()];
        for (at, step) in body.steps.iter().enumerate() {
            results.push(results[at] + step.results());
            step.args().iter().for_each(|&value| last_use[value as usize] = at);
        }
        body.outputs.iter().for_each(|&value| last_use[value as usize] = body.steps.len());
        Shape { dtypes: body.value_dtypes(), results, last_use, body }
    }

    /// Some steps as a run, without patterns.
    fn section(&self, steps: Range<usize>, same: impl Fn(Value) -> bool) -> Section {
        let (first, last) = (self.results[steps.start], self.results[steps.end]);
        let given = self.body.inputs.len()..self.body.first_result();
        let is_constant = |value: Value| given.contains(&(value as usize)) || same(value);
        let mut read: Vec<Value> = (self.body.steps[steps.clone()].iter())
            .flat_map(|step| step.args().iter().copied())
            .filter(|&value| (value as usize) < first)
            .collect();
        read.sort_unstable();
        read.dedup();
        let (constants, inputs): (Vec<Value>, Vec<Value>) =
            read.into_iter().partition(|&value| is_constant(value));
        let outputs: Vec<Value> = (first..last)
            .filter(|&value| self.last_use[value] >= steps.end)
            .map(|value| value as Value)
            .collect();
        let local = |value: Value| -> Value {
            let place = |list: &[Value]| list.iter().position(|&known| known == value);
            let place = match (place(&inputs), place(&constants)) {
                (Some(at), _) => at,
                (None, Some(at)) => inputs.len() + at,
                (None, None) => inputs.len() + constants.len() + value as usize - first,
            };
            place as Value
        };
        let dtypes = |values: &[Value]| values.iter().map(|&value| self.dtypes[value as usize]).collect();
        let run = Body {
            inputs: dtypes(&inputs),
            constants: dtypes(&constants),
            steps: (self.body.steps[steps.clone()].iter())
                .map(|step| match step {
                    Step::Cast { to, arg } => Step::Cast { to: *to, arg: local(*arg) },
                    Step::Apply { op, dtype, args } => Step::Apply {
                        op: *op,
                        dtype: *dtype,
                        args: args.iter().map(|&arg| local(arg)).collect(),
                    },
                })
                .collect(),
            outputs: outputs.iter().map(|&value| local(value)).collect(),
        };
        Section { steps, run, inputs, constants, outputs, patterns: Vec::new() }
    }
}
