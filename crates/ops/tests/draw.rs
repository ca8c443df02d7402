//! Numbers drawn in loops are those of the slow definition, which are NumPy's, wherever a range begins.

use maniple_ops::{BitGenerator, Dtype, Jump, Level, Scalar, draw_at, drawn};

/// States, and the first doubles that NumPy draws in them, as bits. The first is that of the seed 3.
const FIRST: [(BitGenerator, &[u64], [u64; 3]); 4] = [
    (
        BitGenerator::Pcg64,
        &[12103184833025431703, 17549235812328738701, 3375601353159786015, 12034810169469137754],
        [4590836093578886848, 4597700017964644328, 4605392458311126461],
    ),
    (
        BitGenerator::Pcg64Dxsm,
        &[12103184833025431703, 17549235812328738701, 3375601353159786015, 12034810169469137754],
        [4605549693525527950, 4606048599661018870, 4598604689066305702],
    ),
    (
        BitGenerator::Philox,
        &[0, 0, 0, 0, 12467808127879573787, 12872254111863797241, 4],
        [4586688250043729216, 4593760210289595660, 4596729563119723560],
    ),
    (
        BitGenerator::Philox,
        &[18446744073709551615, 18446744073709551615, 5, 9, 12467808127879573787, 12872254111863797241, 2],
        [4604810455991026013, 4590222479601100920, 4598664483981075404],
    ),
];

#[test]
fn the_definition_is_numpys() {
    for (generator, state, wanted) in FIRST {
        for (position, wanted) in wanted.into_iter().enumerate() {
            let found = drawn(generator, Dtype::Float64, state, position).unwrap();
            assert_eq!(found.get::<f64>().to_bits(), wanted, "{generator:?} {position}");
        }
    }
}

#[test]
fn loops_draw_what_is_defined() {
    let levels = Level::ALL.into_iter().filter(|&level| level <= Level::detected());
    for level in levels {
        for (generator, state, _) in FIRST {
            for dtype in [Dtype::Float32, Dtype::Float64] {
                for (first, n) in
                    [(0, 0), (0, 1), (1, 1), (0, 70), (1, 500), (6, 199), (1 << 33, 150), ((1 << 33) + 1, 67)]
                {
                    check(level, generator, state, dtype, first, n);
                }
            }
        }
    }
    assert!(draw_at(BitGenerator::Pcg64, Dtype::Float16, Level::Baseline).is_none());
}

fn check(level: Level, generator: BitGenerator, state: &[u64], dtype: Dtype, first: usize, n: usize) {
    let mut room = vec![0u64; n + 1];
    let draw = draw_at(generator, dtype, level).unwrap();
    // SAFETY: the state has as many words as its generator's, and there is room for `n` numbers.
    unsafe { draw(state.as_ptr(), first, n, room.as_mut_ptr().cast()) };
    let bytes: Vec<u8> = room.iter().flat_map(|word| word.to_ne_bytes()).collect();
    for at in 0..n {
        let found = Scalar::from_bytes(dtype, &bytes[at * dtype.size()..(at + 1) * dtype.size()]);
        let wanted = drawn(generator, dtype, state, first + at).unwrap();
        assert_eq!(found, wanted, "{level:?} {generator:?} {dtype} {at} of {first}..{}", first + n);
    }
    assert!(bytes[n * dtype.size()..].iter().all(|&byte| byte == 0), "wrote too far");
}

#[test]
fn jumps_add_up() {
    let state = [1, 2, 3, 4];
    let step = Jump::of(BitGenerator::Pcg64, &state).unwrap();
    assert_eq!(step.times(5).then(step.times(7)), step.times(12));
    assert_eq!(step.times(0), Jump::NONE);
    assert_eq!(Jump::of(BitGenerator::Philox, &[0; 7]), None);
}
