//! Bodies: building, joining, simplifying, verifying, printing, encoding.

use maniple_ops::{Body, Dtype, Op, Operand, Scalar, Step, Wire, eval, resolve};

/// A body of one row over operands of the dtypes given.
fn single(op: Op, ins: &[Dtype], outs: &[Dtype]) -> Body {
    let operands: Vec<Operand> = ins.iter().map(|dtype| Operand::Strong(*dtype)).collect();
    Body::single(&resolve(op, &operands).expect("a loop"), ins, outs)
}

const F64: Dtype = Dtype::Float64;

#[test]
fn a_single_row_casts_in_and_out() {
    let body = single(Op::Add, &[Dtype::Int32, F64], &[Dtype::Float32]);
    body.check().expect("a sound body");
    assert_eq!(
        body.to_string(),
        "v0 = input.int32\nv1 = input.float64\nv2 = cast.float64 v0\nv3 = add.float64 v2 v1\nv4 = cast.float32 v3\n\
         output v4"
    );
    assert_eq!(eval(&body, &[Scalar::new(2i32), Scalar::new(0.5f64)], &[]), [Scalar::new(2.5f32)]);
}

#[test]
fn rows_with_two_results_define_two_values() {
    let body = single(Op::Divmod, &[Dtype::Int64; 2], &[Dtype::Int64, Dtype::Int8]);
    assert_eq!(body.values(), 5);
    assert_eq!(body.value_dtype(4), Dtype::Int8);
    let results = eval(&body, &[Scalar::new(-7i64), Scalar::new(2i64)], &[]);
    assert_eq!(results, [Scalar::new(-4i64), Scalar::new(1i8)]);
}

/// `sqrt(a * b + c)`, joined from three bodies; `c` is a constant.
fn chain() -> Body {
    let mut body = single(Op::Multiply, &[F64; 2], &[F64]);
    let mut add = Body { inputs: vec![F64], constants: vec![F64], ..Body::default() };
    let sum = add.push_apply(Op::Add, F64, [0, 1].into_iter().collect());
    add.outputs = vec![sum];
    for next in [add, single(Op::Sqrt, &[F64], &[F64])] {
        let last = body.outputs.pop().expect("an output");
        let outputs = body.append(&next, &[Wire::Input(last)]);
        body.outputs.extend(outputs);
    }
    body
}

#[test]
fn appending_renumbers() {
    let body = chain();
    body.check().expect("a sound body");
    assert_eq!(
        body.to_string(),
        "v0 = input.float64\nv1 = input.float64\nv2 = constant.float64\nv3 = multiply.float64 v0 v1\n\
         v4 = add.float64 v3 v2\nv5 = sqrt.float64 v4\noutput v5"
    );
    let inputs = [Scalar::new(3.0f64), Scalar::new(4.0f64)];
    assert_eq!(eval(&body, &inputs, &[Scalar::new(4.0f64)]), [Scalar::new(4.0f64)]);
}

#[test]
fn appending_takes_new_inputs_and_keeps_old_outputs() {
    let mut body = chain();
    let subtract = single(Op::Subtract, &[F64; 2], &[F64]);
    let root = body.outputs[0];
    let difference = body.append(&subtract, &[Wire::New, Wire::Input(root)]);
    body.outputs.extend(difference);
    body.check().expect("a sound body");
    assert_eq!(body.inputs.len(), 3);
    let inputs = [3.0f64, 4.0, 10.0].map(Scalar::new);
    assert_eq!(eval(&body, &inputs, &[Scalar::new(4.0f64)]), [Scalar::new(4.0f64), Scalar::new(6.0f64)]);
}

#[test]
fn simplifying_keeps_the_meaning() {
    let mut body = single(Op::Sqrt, &[Dtype::Int8], &[F64]);
    let again = body.append(&single(Op::Sqrt, &[Dtype::Int8], &[F64]), &[Wire::Input(0)]);
    let dead = body.append(&single(Op::Exp, &[F64], &[F64]), &[Wire::Input(again[0])]);
    assert_eq!(body.value_dtype(dead[0]), F64);
    let first = body.outputs[0];
    let sum = body.append(&single(Op::Add, &[F64; 2], &[F64]), &[Wire::Input(first), Wire::Input(again[0])]);
    body.outputs = sum;
    let before = eval(&body, &[Scalar::new(16i8)], &[]);
    body.simplify();
    body.check().expect("a sound body");
    assert_eq!(
        body.to_string(),
        "v0 = input.int8\nv1 = cast.float16 v0\nv2 = sqrt.float16 v1\nv3 = cast.float64 v2\nv4 = add.float64 v3 v3\n\
         output v4"
    );
    assert_eq!(eval(&body, &[Scalar::new(16i8)], &[]), before);
}

#[test]
fn encoding_goes_there_and_back() {
    for body in [chain(), single(Op::Divmod, &[Dtype::Int8, F64], &[F64, F64]), Body::default()] {
        let bytes = body.to_bytes();
        assert_eq!(Body::from_bytes(&bytes).expect("what was written"), body);
        for cut in 0..bytes.len() {
            assert!(Body::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn unsound_bodies_are_refused() {
    let apply = |op, dtype, args: &[u16]| Step::Apply { op, dtype, args: args.iter().copied().collect() };
    let cases = [
        (apply(Op::Add, F64, &[0, 3]), "step 0: v3 is not defined yet"),
        (apply(Op::Add, F64, &[0]), "step 0: add takes 2 arguments"),
        (apply(Op::Add, Dtype::Int8, &[0, 1]), "step 0: v0 is float64, not int8"),
        (apply(Op::Gcd, F64, &[0, 1]), "step 0: gcd has no loop for float64"),
        (Step::Cast { to: F64, arg: 2 }, "step 0: v2 is not defined yet"),
    ];
    for (step, wanted) in cases {
        let body = Body { inputs: vec![F64, F64], steps: vec![step], ..Body::default() };
        assert_eq!(body.check(), Err(wanted.to_string()));
    }
    let body = Body { inputs: vec![F64], outputs: vec![1], ..Body::default() };
    assert_eq!(body.check(), Err("output v1 is not defined".to_string()));
}
