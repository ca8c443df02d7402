//! Products of matrices of numbers of four bytes, in tiles.

use crate::command::{Buffers, Call, Class, Command, PLACES, Place, Program, begin, word};
use crate::fold::held;
use crate::geometry::{Written, aligned, bits, closed, fetched, opened, register, stored};
use maniple_ops::wgsl::{self, Features};
use maniple_ops::{Dtype, K_BLOCK};
use maniple_runtime::{Arg, Launch, Space};
use smallvec::{SmallVec, smallvec};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// Rows and columns of a tile.
const TILE: usize = 64;

/// Numbers that a kernel finds after the places, by the functions that give them.
const NUMBERS: [&str; 12] = [
    "first_point",
    "last_point",
    "rows",
    "columns",
    "extent",
    "a_row",
    "a_column",
    "b_row",
    "b_column",
    "row_step",
    "column_step",
    "report_cell",
];

/// A product of matrices made ready.
pub(crate) struct Matmul {
    dtype: Dtype,
    args: Vec<Arg>,
    buffers: Buffers,
    /// Where the matrices of a stack begin: factors and result.
    stack: Space,
    rows: usize,
    columns: usize,
    k: usize,
    watched: bool,
    program: OnceLock<Arc<Program>>,
}

impl Matmul {
    /// Nothing for numbers of other sizes, or if threads could not read and write elements as they are.
    pub(crate) fn new(launch: &Launch, dtype: Dtype, features: Features) -> Option<Matmul> {
        let [a, b, result] = &launch.args[..] else { return None };
        if !matches!(dtype, Dtype::Float32 | Dtype::Int32 | Dtype::UInt32)
            || !held(dtype, features)
            || !launch.args.iter().all(aligned)
            || result.view.overlaps_itself(dtype.size())
        {
            return None;
        }
        let last = result.view.ndim().checked_sub(2)?;
        Some(Matmul {
            dtype,
            args: launch.args.clone(),
            buffers: Buffers::new(&launch.args, |_| false),
            stack: Space::of_axes(&[&a.view, &b.view, &result.view], 0..last),
            rows: result.view.shape[last],
            columns: result.view.shape[last + 1],
            k: a.view.shape[last + 1],
            watched: launch.watched() && dtype.is_inexact(),
            program: OnceLock::new(),
        })
    }

    fn program(&self) -> &Arc<Program> {
        self.program.get_or_init(|| {
            let own = PLACES + 3;
            let value = register(self.dtype);
            let mut text = format!("const BLOCK = {K_BLOCK}u;\n");
            for (at, name) in NUMBERS.iter().enumerate() {
                let _ = writeln!(text, "fn {name}() -> u32 {{ return {}; }}", word(own + at));
            }
            let names = ["at0".to_string(), "at1".to_string(), "at2".to_string()];
            let _ = write!(
                text,
                "fn starts_of(matrix: u32) -> vec3<u32> {{\nvar at0 = {};\nvar at1 = {};\nvar at2 = {};\n{}\
                 return vec3<u32>(at0, at1, at2);\n}}\n",
                word(PLACES),
                word(PLACES + 1),
                word(PLACES + 2),
                self.stack.text("matrix", own + NUMBERS.len(), &names),
            );
            for (argument, name) in ["element_of_a", "element_of_b"].iter().enumerate() {
                let load = opened(self.dtype, &fetched(&self.buffers, argument, self.dtype, "at"));
                let _ = writeln!(text, "fn {name}(at: u32) -> {value} {{ return {load}; }}");
            }
            let sum = if self.dtype.is_inexact() { "fma(vec4<Value>(a), b, sum)" } else { "sum + a * b" };
            let _ = write!(
                text,
                "fn plus_products(sum: vec4<Value>, a: Value, b: vec4<Value>) -> vec4<Value> {{ return {sum}; }}\n\
                 fn put(at: u32, value: Value) {{\nlet bits: {} = {};\n{}\n}}\n",
                bits(self.dtype),
                closed(self.dtype, "value"),
                stored(&self.buffers, 2, self.dtype, "at", "bits"),
            );
            match self.watched {
                true => text.push_str(include_str!("../../../shaders/matmul_events.wgsl")),
                false => text.push_str("fn look(a: u32, b: u32, value: Value) {}\n"),
            }
            text.push_str(include_str!("../../../shaders/matmul.wgsl"));
            let text = text.replace("Value", value);
            let words = own + NUMBERS.len() + self.stack.words();
            Program::new(words, &self.buffers.modes, &wgsl::definitions(&text), &text)
        })
    }
}

impl Class for Matmul {
    fn commands(&self, call: &Call<'_>) -> SmallVec<[Command; 2]> {
        let Call { binding, first, last, report, .. } = *call;
        let mut words = begin(3);
        words.extend([first, last, self.rows, self.columns, self.k].map(|number| number as u32));
        for arg in &self.args {
            let strides = &arg.view.strides[arg.view.ndim() - 2..];
            words.extend(strides.iter().map(|&stride| stride as u32));
        }
        words.push(report);
        self.stack.push(&mut words);
        let places: SmallVec<[Place; 8]> = (self.args.iter().enumerate())
            .map(|(number, arg)| {
                self.buffers.place(number, arg, binding.bases[number], arg.view.offset, first, last)
            })
            .collect();
        let matrices = (last - 1) / self.rows - first / self.rows + 1;
        smallvec![Command {
            program: self.program().clone(),
            groups: matrices * self.rows.div_ceil(TILE) * self.columns.div_ceil(TILE),
            places,
            words,
        }]
    }
}
