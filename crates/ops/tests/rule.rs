//! Dtypes, scalars and resolution, in the few lines that say what NumPy's comparison covers exhaustively.

use maniple_ops::{Casting, Dtype, Flags, Op, Operand, Scalar, flags, resolve, resolve_output};

/// An operand by NumPy's name, or `int`, `float`, `complex` for a Python scalar.
fn operand(name: &str) -> Operand {
    match name {
        "int" => Operand::WeakInt,
        "float" => Operand::WeakFloat,
        "complex" => Operand::WeakComplex,
        _ => Operand::Strong(Dtype::from_name(name).expect("a dtype")),
    }
}

#[test]
fn operands_resolve_to_loops() {
    for (ufunc, operands, wanted) in [
        ("add", "int8 int", "int8"),
        ("add", "int8 float", "float64"),
        ("add", "float32 float", "float32"),
        ("add", "float32 complex", "complex64"),
        ("add", "int int", "int64"),
        ("add", "bool bool", "bool"),
        ("add", "uint64 int64", "float64"),
        ("divide", "int8 int8", "float64"),
        ("sqrt", "int8", "float16"),
        ("arctan2", "int8 float", "float64"),
        ("less", "int64 uint64", "bool"),
        ("absolute", "complex64", "float32"),
        ("where", "bool int8 float32", "float32"),
        ("bitwise_count", "int64", "uint8"),
        ("sqrt", "int int", "sqrt() takes 1 positional arguments but 2 were given"),
        (
            "bitwise_and",
            "int8 float16",
            "ufunc 'bitwise_and' not supported for the input types, and the inputs could not be safely coerced to any \
             supported types according to the casting rule ''safe''",
        ),
        (
            "gcd",
            "bool float",
            "ufunc 'gcd' did not contain a loop with signature matching types (<class 'numpy.dtypes.BoolDType'>, \
             <class 'numpy.dtypes._PyFloatDType'>) -> None",
        ),
    ] {
        let operands: Vec<Operand> = operands.split(' ').map(operand).collect();
        let found = match resolve(Op::from_numpy(ufunc).expect("a row"), &operands) {
            Ok(of) => of.outs[0].to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, wanted, "{ufunc} {operands:?}");
    }
}

#[test]
fn an_output_dtype_directs_resolution() {
    for (ufunc, operands, output, wanted) in [
        ("add", "int8 int8", "float64", "float64"),
        ("less", "int8 float32", "bool", "float32"),
        ("signbit", "int16", "bool", "float32"),
        (
            "add",
            "float64 int8",
            "int8",
            "Cannot cast ufunc 'add' input 0 from dtype('float64') to dtype('int8') with casting rule 'same_kind'",
        ),
        (
            "divide",
            "int8 int8",
            "int8",
            "No loop matching the specified signature and casting was found for ufunc divide",
        ),
    ] {
        let operands: Vec<Operand> = operands.split(' ').map(operand).collect();
        let output = Dtype::from_name(output).expect("a dtype");
        let found = match resolve_output(Op::from_numpy(ufunc).expect("a row"), &operands, output) {
            Ok(of) => of.dtype.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, wanted, "{ufunc} {operands:?} -> {output}");
    }
}

#[test]
fn dtypes_promote_and_cast() {
    for (a, b, wanted) in [
        ("int8", "uint8", "int16"),
        ("int32", "uint32", "int64"),
        ("int64", "uint64", "float64"),
        ("int16", "float16", "float32"),
        ("int32", "float32", "float64"),
        ("float64", "complex64", "complex128"),
        ("int8", "complex64", "complex64"),
        ("bool", "uint8", "uint8"),
    ] {
        let (a, b) = (Dtype::from_name(a).expect("a dtype"), Dtype::from_name(b).expect("a dtype"));
        assert_eq!(a.promote(b).name(), wanted);
        assert_eq!(b.promote(a).name(), wanted);
    }
    assert!(Dtype::Int64.can_cast(Dtype::Float64, Casting::Safe));
    assert!(!Dtype::Int64.can_cast(Dtype::UInt64, Casting::SameKind));
    assert!(Dtype::UInt64.can_cast(Dtype::Int8, Casting::SameKind));
    assert!(!Dtype::Float64.can_cast(Dtype::Int64, Casting::SameKind));
    for dtype in Dtype::ALL {
        assert_eq!(Dtype::from_name(dtype.name()), Some(dtype));
        assert_eq!(Dtype::from_character(dtype.character()), Some(dtype));
        assert_eq!(Dtype::from_index(dtype as u8), Some(dtype));
    }
}

#[test]
fn scalars_cast_as_c_does() {
    let cast = |value: f64, to: Dtype| {
        flags::clear();
        let result = Scalar::new(value).cast(to);
        (result.to_string(), flags::read())
    };
    assert_eq!(cast(-1.5, Dtype::Int32), ("-1".to_string(), Flags::NONE));
    assert_eq!(cast(1e10, Dtype::Int32), (i32::MIN.to_string(), Flags::INVALID));
    assert_eq!(cast(f64::NAN, Dtype::Int64), (i64::MIN.to_string(), Flags::INVALID));
    assert_eq!(cast(300.0, Dtype::UInt8), ("44".to_string(), Flags::NONE));
    assert_eq!(cast(0.1, Dtype::Bool), ("true".to_string(), Flags::NONE));
    assert_eq!(cast(65520.0, Dtype::Float16), ("inf".to_string(), Flags::OVERFLOW));
    assert_eq!(cast(65519.999999, Dtype::Float16), ("65504.0".to_string(), Flags::NONE));
    assert_eq!(Scalar::new(7u8).cast(Dtype::Complex64).to_string(), "(7.0+0.0j)");
    assert_eq!(Scalar::one(Dtype::Bool), Scalar::new(-3i8).cast(Dtype::Bool));
}
