//! Every WGSL text is a valid program, of each row at each dtype, of each cast, of each fold, and can be written for Vulkan,
//! Metal and Direct3D.

use maniple_ops::wgsl::{self, Features, Watch};
use maniple_ops::{Body, Dtype, Op, fold, signature};
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::fmt::Write;

const ALL: Features = Features { int64: true };

/// Every row at every dtype that it has a case for.
fn cases() -> impl Iterator<Item = (Op, Dtype, Body)> {
    let pairs = Op::ALL.iter().flat_map(|&op| Dtype::ALL.into_iter().map(move |dtype| (op, dtype)));
    pairs.filter_map(|(op, dtype)| {
        let of = signature(op, dtype)?;
        Some((op, dtype, Body::single(&of, &of.ins, &of.outs)))
    })
}

fn is_double(dtype: Dtype) -> bool {
    dtype.real() == Dtype::Float64
}

/// A kernel that computes a body for one element.
fn kernel(body: &Body, folded: Option<Op>) -> String {
    let mut text = String::from(
        "var<private> mn_zero: u32;\n\
         @group(0) @binding(0) var<storage, read> given: array<vec2<u32>>;\n\
         @group(0) @binding(1) var<storage, read_write> found: array<vec2<u32>>;\n",
    );
    text.push_str(&wgsl::prelude_for(body, folded));
    text.push_str("@compute @workgroup_size(1)\nfn main() {\nmn_zero = given[0].x;\n");
    for (place, &dtype) in body.inputs.iter().enumerate() {
        let bits = if dtype.size() == 8 { format!("given[{place}]") } else { format!("given[{place}].x") };
        writeln!(text, "let v{place} = {};", wgsl::load(dtype, &bits).expect("a type")).expect("room");
    }
    for step in 0..body.steps.len() {
        writeln!(text, "var f{step} = 0u;").expect("room");
    }
    text.push_str(&wgsl::steps(body, Watch::Flags).expect("a text"));
    let dtypes = body.value_dtypes();
    for (place, &output) in body.outputs.iter().enumerate() {
        let dtype = dtypes[output as usize];
        let stored = wgsl::store(dtype, &format!("v{output}")).expect("a type");
        let stored = if dtype.size() == 8 { stored } else { format!("vec2<u32>({stored}, f0)") };
        writeln!(text, "found[{place}] = {stored};").expect("room");
    }
    if let Some((name, op)) = folded.and_then(|op| Some((wgsl::combine(op, body.inputs[0])?, op))) {
        let events = wgsl::combine_events(op, body.inputs[0]).unwrap_or("0u".to_string());
        let value = wgsl::value(body.inputs[0]).expect("a type");
        writeln!(
            text,
            "{{ let a = v0; let b = {name}(a, v0); var r: {value} = {name}(a, b); found[2].x = {events};"
        )
        .expect("room");
        if let Some(identity) = wgsl::identity(op, body.inputs[0]) {
            writeln!(text, "r = {identity};").expect("room");
        }
        writeln!(text, "found[3].x = select(0u, 1u, all(r == r)); }}").expect("room");
    }
    text + "}\n"
}

fn complaint(name: &str, text: &str) -> Option<String> {
    let module = match naga::front::wgsl::parse_str(text) {
        Ok(module) => module,
        Err(error) => return Some(format!("{name}: {}", error.emit_to_string(text))),
    };
    let info = match Validator::new(ValidationFlags::all(), Capabilities::SHADER_INT64).validate(&module) {
        Ok(info) => info,
        Err(error) => return Some(format!("{name}: {}", error.emit_to_string(text))),
    };
    let vulkan = spv::write_vec(&module, &info, &spv::Options::default(), None).map(|_| ());
    let metal = msl::Options { lang_version: (2, 3), fake_missing_bindings: true, ..msl::Options::default() };
    let metal = msl::write_string(&module, &info, &metal, &msl::PipelineOptions::default()).map(|_| ());
    let direct = hlsl::Options { shader_model: hlsl::ShaderModel::V6_0, ..hlsl::Options::default() };
    let pipeline = hlsl::PipelineOptions::default();
    let direct =
        hlsl::Writer::new(&mut String::new(), &direct, &pipeline).write(&module, &info, None).map(|_| ());
    let written =
        [vulkan.err().map(|error| format!("{error:?}")), metal.err().map(|error| format!("{error:?}"))];
    let problem =
        written.into_iter().flatten().chain(direct.err().map(|error| format!("{error:?}"))).next()?;
    Some(format!("{name}: {problem}"))
}

fn check(texts: impl Iterator<Item = (String, String)>) {
    let complaints: Vec<String> = texts.filter_map(|(name, text)| complaint(&name, &text)).collect();
    assert!(
        complaints.is_empty(),
        "{} are not valid:\n{}",
        complaints.len(),
        complaints[..complaints.len().min(5)].join("\n")
    );
}

#[test]
fn what_only_the_cpu_runs_is_listed() {
    for (op, dtype, body) in cases() {
        let wanted =
            !body.value_dtypes().into_iter().any(is_double) && !wgsl::CPU_ONLY.contains(&(op, dtype.kind()));
        assert_eq!(wgsl::supports(&body, ALL), wanted, "{op:?} {dtype}");
        assert_eq!(wgsl::steps(&body, Watch::Flags).is_some(), wanted, "{op:?} {dtype}");
        assert_eq!(wgsl::combine(op, dtype).is_some(), fold(op, dtype).is_some() && wanted, "{op:?} {dtype}");
        let wide = body.value_dtypes().iter().any(|dtype| matches!(dtype, Dtype::Int64 | Dtype::UInt64));
        assert_eq!(wgsl::supports(&body, Features::default()), wanted && !wide, "{op:?} {dtype}");
    }
}

#[test]
fn texts_of_rows_are_valid() {
    let texts = cases().filter(|(_, _, body)| wgsl::supports(body, ALL));
    check(texts.map(|(op, dtype, body)| {
        let folded = fold(op, dtype).map(|_| op);
        (format!("{op:?} {dtype}"), kernel(&body, folded))
    }));
}

#[test]
fn texts_of_casts_are_valid() {
    let held = || Dtype::ALL.into_iter().filter(|&dtype| !is_double(dtype));
    let pairs = held().flat_map(|from| held().map(move |to| (from, to))).filter(|(from, to)| from != to);
    check(pairs.map(|(from, to)| {
        let mut body = Body { inputs: vec![from], ..Body::default() };
        body.outputs = vec![body.push_cast(0, to)];
        assert!(wgsl::supports(&body, ALL));
        (format!("{from} to {to}"), kernel(&body, None))
    }));
}
