//! A straight-line program of rows: what an element-wise kernel runs for every element.
//!
//! Values are numbered: inputs first, then constants, then the results of the steps in order. Fusing two kernels
//! appends one body to the other.

use crate::dtype::Dtype;
use crate::rule::{Loop, signature};
use crate::table::Op;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fmt;

/// The number of a value: inputs first, then constants, then the results of the steps in order.
pub type Value = u16;

/// A program over single elements. Its constants are values given at run time, one per launch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Body {
    /// Dtype of each input.
    pub inputs: Vec<Dtype>,
    /// Dtype of each constant.
    pub constants: Vec<Dtype>,
    /// The instructions, each of which may use every value before it.
    pub steps: Vec<Step>,
    /// The values that leave the program.
    pub outputs: Vec<Value>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// One row applied at one key dtype; it defines as many values as the row has outputs.
    Apply {
        /// The row.
        op: Op,
        /// The key dtype of its loop, as in [`Loop::dtype`].
        dtype: Dtype,
        /// Its arguments, of exactly the dtypes the loop takes.
        args: SmallVec<[Value; 3]>,
    },
    /// A change of dtype, as by NumPy's `astype`.
    Cast {
        /// The dtype of the result.
        to: Dtype,
        /// The value to convert.
        arg: Value,
    },
}

/// Where an input of an appended body comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// A value the body already has, in its numbering before the call.
    Input(Value),
    /// A new input, added after the existing ones.
    New,
}

impl Body {
    /// The body of one loop over operands of the actual dtypes `in_dtypes`, delivering `out_dtypes`; a cast stands
    /// wherever the loop's own dtypes differ.
    pub fn single(of: &Loop, in_dtypes: &[Dtype], out_dtypes: &[Dtype]) -> Body {
        let mut body = Body { inputs: in_dtypes.to_vec(), ..Body::default() };
        let args = (0..in_dtypes.len()).map(|i| body.push_cast(i as Value, of.ins[i])).collect();
        let first = body.push_apply(of.op, of.dtype, args);
        body.outputs =
            (0..out_dtypes.len()).map(|i| body.push_cast(first + i as Value, out_dtypes[i])).collect();
        body
    }

    /// Adds a step that applies a row, and returns the number of its first result.
    pub fn push_apply(&mut self, op: Op, dtype: Dtype, args: SmallVec<[Value; 3]>) -> Value {
        let first = self.values() as Value;
        self.steps.push(Step::Apply { op, dtype, args });
        first
    }

    /// Adds a step that converts `arg`, unless it has the dtype already, and returns the number of the converted value.
    pub fn push_cast(&mut self, arg: Value, to: Dtype) -> Value {
        if self.value_dtype(arg) == to {
            return arg;
        }
        let result = self.values() as Value;
        self.steps.push(Step::Cast { to, arg });
        result
    }

    /// The number of values: inputs, constants and results.
    pub fn values(&self) -> usize {
        self.first_result() + self.steps.iter().map(Step::results).sum::<usize>()
    }

    /// The number of the first value that a step defines.
    pub fn first_result(&self) -> usize {
        self.inputs.len() + self.constants.len()
    }

    /// The dtype of one value.
    ///
    /// # Panics
    /// If the body has no such value.
    pub fn value_dtype(&self, value: Value) -> Dtype {
        let mut index = value as usize;
        for given in [&self.inputs, &self.constants] {
            match given.get(index) {
                Some(&dtype) => return dtype,
                None => index -= given.len(),
            }
        }
        for step in &self.steps {
            if index < step.results() {
                return step.result_dtypes().expect("a checked body")[index];
            }
            index -= step.results();
        }
        panic!("v{value} is not a value of the body");
    }

    /// The dtypes of all values, in order.
    pub fn value_dtypes(&self) -> Vec<Dtype> {
        let mut dtypes: Vec<Dtype> = self.inputs.iter().chain(&self.constants).copied().collect();
        for step in &self.steps {
            dtypes.extend(step.result_dtypes().expect("a checked body"));
        }
        dtypes
    }

    /// Verifies numbering, arities and dtypes; the error names the first offending step.
    pub fn check(&self) -> Result<(), String> {
        let mut dtypes: Vec<Dtype> = self.inputs.iter().chain(&self.constants).copied().collect();
        for (index, step) in self.steps.iter().enumerate() {
            let wanted: SmallVec<[Dtype; 3]> = match step {
                Step::Apply { op, dtype, args } => {
                    let Some(of) = signature(*op, *dtype) else {
                        return Err(format!("step {index}: {} has no loop for {dtype}", op.row().numpy));
                    };
                    if args.len() != of.ins.len() {
                        return Err(format!(
                            "step {index}: {} takes {} arguments",
                            op.row().numpy,
                            of.ins.len()
                        ));
                    }
                    of.ins
                }
                Step::Cast { .. } => SmallVec::new(),
            };
            for (position, &arg) in step.args().iter().enumerate() {
                let Some(&given) = dtypes.get(arg as usize) else {
                    return Err(format!("step {index}: v{arg} is not defined yet"));
                };
                if wanted.get(position).is_some_and(|&dtype| dtype != given) {
                    return Err(format!("step {index}: v{arg} is {given}, not {}", wanted[position]));
                }
            }
            dtypes.extend(step.result_dtypes().expect("the loop was found above"));
        }
        if dtypes.len() > Value::MAX as usize {
            return Err(format!("{} values are more than a body can number", dtypes.len()));
        }
        match self.outputs.iter().find(|&&output| output as usize >= dtypes.len()) {
            Some(output) => Err(format!("output v{output} is not defined")),
            None => Ok(()),
        }
    }

    /// Appends `other`, one wire for each of its inputs, and returns the numbers its outputs now have in `self`.
    ///
    /// New inputs and the constants of `other` go behind the existing ones, so the values behind them move up.
    /// `self.outputs` is kept naming the same values but gains none: push those of the returned values that leave
    /// the program. Numbers noted elsewhere before the call are stale; refer to values through `outputs`.
    ///
    /// # Panics
    /// If a wire joins different dtypes, or there are too many values to number.
    pub fn append(&mut self, other: &Body, wiring: &[Wire]) -> Vec<Value> {
        assert_eq!(wiring.len(), other.inputs.len(), "one wire for each input");
        let added = wiring.iter().filter(|wire| **wire == Wire::New).count();
        assert!(self.values() + other.values() <= Value::MAX as usize, "too many values in one body");
        let (inputs, constants) = (self.inputs.len(), self.constants.len());
        let moved = |value: Value| -> Value {
            let index = value as usize;
            (match index {
                _ if index < inputs => index,
                _ if index < inputs + constants => index + added,
                _ => index + added + other.constants.len(),
            }) as Value
        };

        let mut next_input = inputs;
        let mut numbers: Vec<Value> = Vec::with_capacity(other.values());
        for (wire, &dtype) in wiring.iter().zip(&other.inputs) {
            numbers.push(match *wire {
                Wire::Input(value) => {
                    assert_eq!(self.value_dtype(value), dtype, "a wire joins equal dtypes");
                    moved(value)
                }
                Wire::New => {
                    next_input += 1;
                    (next_input - 1) as Value
                }
            });
        }
        let first_constant = inputs + added + constants;
        numbers.extend((first_constant..first_constant + other.constants.len()).map(|index| index as Value));
        let first_result = self.values() + added + other.constants.len();
        numbers.extend((first_result..).map(|index| index as Value).take(other.values() - numbers.len()));

        for step in &mut self.steps {
            step.args_mut().iter_mut().for_each(|arg| *arg = moved(*arg));
        }
        self.outputs.iter_mut().for_each(|output| *output = moved(*output));
        let new_inputs = wiring.iter().zip(&other.inputs).filter(|(wire, _)| **wire == Wire::New);
        self.inputs.extend(new_inputs.map(|(_, dtype)| *dtype));
        self.constants.extend(&other.constants);
        for step in &other.steps {
            let mut step = step.clone();
            step.args_mut().iter_mut().for_each(|arg| *arg = numbers[*arg as usize]);
            self.steps.push(step);
        }
        other.outputs.iter().map(|&output| numbers[output as usize]).collect()
    }

    /// Removes steps that repeat an earlier one, casts that change nothing, and steps nothing needs.
    ///
    /// Inputs, constants and the meaning and order of the outputs stay; several outputs may come to name one value.
    pub fn simplify(&mut self) {
        self.merge_repeated_steps();
        self.remove_dead_steps();
    }

    fn merge_repeated_steps(&mut self) {
        let dtypes = self.value_dtypes();
        let mut numbers: Vec<Value> = (0..self.values() as Value).collect();
        let mut seen: HashMap<Step, Value> = HashMap::new();
        let mut result = self.first_result();
        for step in &mut self.steps {
            step.args_mut().iter_mut().for_each(|arg| *arg = numbers[*arg as usize]);
            let same = match *step {
                Step::Cast { to, arg } if dtypes[arg as usize] == to => Some(arg),
                _ => seen.get(step).copied(),
            };
            match same {
                Some(earlier) => {
                    for index in 0..step.results() {
                        numbers[result + index] = earlier + index as Value;
                    }
                }
                None => {
                    seen.insert(step.clone(), result as Value);
                }
            }
            result += step.results();
        }
        self.outputs.iter_mut().for_each(|output| *output = numbers[*output as usize]);
    }

    fn remove_dead_steps(&mut self) {
        let mut needed = vec![false; self.values()];
        self.outputs.iter().for_each(|&output| needed[output as usize] = true);
        let mut result = self.values();
        let mut kept = vec![false; self.steps.len()];
        for (index, step) in self.steps.iter().enumerate().rev() {
            result -= step.results();
            kept[index] = needed[result..result + step.results()].contains(&true);
            if kept[index] {
                step.args().iter().for_each(|&arg| needed[arg as usize] = true);
            }
        }
        let mut numbers: Vec<Value> = (0..self.first_result() as Value).collect();
        let mut next = self.first_result() as Value;
        let steps = std::mem::take(&mut self.steps);
        for (mut step, keep) in steps.into_iter().zip(kept) {
            for _ in 0..step.results() {
                numbers.push(next);
                next += keep as Value;
            }
            if keep {
                step.args_mut().iter_mut().for_each(|arg| *arg = numbers[*arg as usize]);
                self.steps.push(step);
            }
        }
        self.outputs.iter_mut().for_each(|output| *output = numbers[*output as usize]);
    }

    /// A plain encoding: four counts, then inputs, constants, steps and outputs, all as little-endian 16-bit words.
    pub fn to_bytes(&self) -> Vec<u8> {
        let counts = [self.inputs.len(), self.constants.len(), self.steps.len(), self.outputs.len()];
        let mut words: Vec<u16> = counts.iter().map(|&count| count as u16).collect();
        words.extend(self.inputs.iter().chain(&self.constants).map(|&dtype| dtype as u16));
        for step in &self.steps {
            match step {
                Step::Apply { op, dtype, args } => {
                    words.extend([args.len() as u16, *op as u16, *dtype as u16]);
                    words.extend(args);
                }
                Step::Cast { to, arg } => words.extend([CAST, *to as u16, *arg]),
            }
        }
        words.extend(&self.outputs);
        words.into_iter().flat_map(u16::to_le_bytes).collect()
    }

    /// Reads what [`Body::to_bytes`] wrote and verifies it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Body, String> {
        let words = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let body = read(&mut words.into_iter()).ok_or("the bytes do not hold a body")?;
        body.check()?;
        Ok(body)
    }
}

/// Stands where an applied row has its number of arguments.
const CAST: u16 = u16::MAX;

fn read(words: &mut impl Iterator<Item = u16>) -> Option<Body> {
    let counts = [words.next()?, words.next()?, words.next()?, words.next()?];
    let mut body = Body::default();
    for _ in 0..counts[0] {
        body.inputs.push(read_dtype(words)?);
    }
    for _ in 0..counts[1] {
        body.constants.push(read_dtype(words)?);
    }
    for _ in 0..counts[2] {
        let step = match words.next()? {
            CAST => Step::Cast { to: read_dtype(words)?, arg: words.next()? },
            args => Step::Apply {
                op: Op::from_index(words.next()?)?,
                dtype: read_dtype(words)?,
                args: (0..args).map(|_| words.next()).collect::<Option<_>>()?,
            },
        };
        body.steps.push(step);
    }
    body.outputs = (0..counts[3]).map(|_| words.next()).collect::<Option<_>>()?;
    Some(body)
}

fn read_dtype(words: &mut impl Iterator<Item = u16>) -> Option<Dtype> {
    Dtype::from_index(u8::try_from(words.next()?).ok()?)
}

impl Step {
    /// The number of values the step defines.
    pub fn results(&self) -> usize {
        match self {
            Step::Apply { op, .. } => op.row().outputs as usize,
            Step::Cast { .. } => 1,
        }
    }

    /// The dtypes of the values the step defines; nothing if the row has no loop for its key dtype.
    pub fn result_dtypes(&self) -> Option<SmallVec<[Dtype; 2]>> {
        match self {
            Step::Apply { op, dtype, .. } => Some(signature(*op, *dtype)?.outs),
            Step::Cast { to, .. } => Some(SmallVec::from_slice(&[*to])),
        }
    }

    /// The values the step uses.
    pub fn args(&self) -> &[Value] {
        match self {
            Step::Apply { args, .. } => args,
            Step::Cast { arg, .. } => std::slice::from_ref(arg),
        }
    }

    fn args_mut(&mut self) -> &mut [Value] {
        match self {
            Step::Apply { args, .. } => args,
            Step::Cast { arg, .. } => std::slice::from_mut(arg),
        }
    }
}

impl fmt::Display for Body {
    /// One line per input, constant, step and output list, such as `v3 = add.float64 v0 v1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, dtype) in self.inputs.iter().enumerate() {
            writeln!(f, "v{index} = input.{dtype}")?;
        }
        for (index, dtype) in self.constants.iter().enumerate() {
            writeln!(f, "v{} = constant.{dtype}", self.inputs.len() + index)?;
        }
        let mut result = self.first_result();
        for step in &self.steps {
            let results: Vec<String> =
                (0..step.results()).map(|index| format!("v{}", result + index)).collect();
            write!(f, "{} = ", results.join(" "))?;
            match step {
                Step::Apply { op, dtype, .. } => write!(f, "{}.{dtype}", op.row().numpy)?,
                Step::Cast { to, .. } => write!(f, "cast.{to}")?,
            }
            for arg in step.args() {
                write!(f, " v{arg}")?;
            }
            writeln!(f)?;
            result += step.results();
        }
        write!(f, "output")?;
        self.outputs.iter().try_for_each(|output| write!(f, " v{output}"))
    }
}
