//! A recorded stream runs again, in another runtime, to the same bits.

use maniple_array::{Array, Index, Input, Layout, Op, Options, apply, apply_one, runtime};

#[test]
fn a_recorded_program_gives_the_same_bits_in_another_runtime() {
    let path = std::env::temp_dir().join(format!("maniple-replay-test-{}", std::process::id()));
    // SAFETY: this test is alone in its process, and the runtime has not read the environment yet.
    unsafe { std::env::set_var("MANIPLE_RECORD", &path) };
    let x = Array::from_slice(&[50_000], &(0..50_000).map(|at| f64::from(at).sqrt()).collect::<Vec<_>>())
        .unwrap();
    for round in 0..5 {
        let tail = x.slice(&[Index::Slice(Some(1), None, None)]).unwrap();
        let head = x.slice(&[Index::Slice(None, Some(-1), None)]).unwrap();
        let mean = apply_one(
            Op::Multiply,
            &[(&apply_one(Op::Add, &[(&head).into(), (&tail).into()]).unwrap()).into(), Input::Float(0.5)],
        )
        .unwrap();
        apply(
            Op::Add,
            &[(&tail).into(), (&mean).into()],
            &Options { out: &[Some(&tail)], ..Options::default() },
        )
        .unwrap();
        let table = x.reshape(&[250, 200], Layout::C).unwrap();
        let products = table.matmul(&table.transposed()).unwrap();
        assert!(products.sum().unwrap().item().unwrap().get::<f64>() > 0.0);
        assert!(x.sum().unwrap().item().unwrap().get::<f64>() > f64::from(round));
    }
    runtime().sync().unwrap();
    let recorded = std::fs::read(&path).unwrap();
    let replayed = runtime().replay(&recorded[..]).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((replayed.windows, replayed.compared, replayed.different), (10, 10, vec![]));
}
