//! The emulated device runs kernels rightly on every schedule, and says what is wrong with a kernel that is wrong.

use maniple_cuda::{Driver, Emulator, Grid, Schedule};
use std::path::PathBuf;

const SCHEDULES: [Schedule; 4] = [Schedule::InOrder, Schedule::Reversed, Schedule::Random, Schedule::Turns];

/// What every kernel here begins with: an input, an output, a count.
const BEGIN: &str = "
    struct Words { unsigned long long w[3]; };
    #define IN ((const unsigned*)p.w[0])
    #define OUT ((unsigned*)p.w[1])
    #define COUNT ((unsigned)p.w[2])
    static __device__ __forceinline__ unsigned scanned(unsigned value) {
        for (int distance = 1; distance < 32; distance *= 2) {
            unsigned other = __shfl_up_sync(0xffffffffu, value, distance);
            if ((threadIdx.x & 31) >= distance) value += other;
        }
        return value;
    }
    #define KERNEL extern \"C\" __global__ void __launch_bounds__(128) kernel(const Words p)
    #define AT (blockIdx.x * 128 + threadIdx.x)
";

fn emulator(schedule: Schedule) -> Emulator {
    Emulator::scheduled(2, 1 << 20, schedule, &cache()).expect("g++ is installed")
}

fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// The output of a kernel on `input`, with `outputs` zeroes of its own.
fn run(emulator: &Emulator, text: &str, input: &[u32], outputs: usize) -> Result<Vec<u32>, String> {
    let device = 1;
    let (in_bytes, out_bytes) = (size_of_val(input), 4 * outputs);
    let from = emulator.alloc(device, in_bytes).expect("there is room");
    let to = emulator.alloc(device, out_bytes).expect("there is room");
    let function = emulator.load(device, &format!("{BEGIN}{text}"))?;
    let grid = Grid { blocks: [input.len().div_ceil(128) as u32, 1], threads: 128 };
    let mut output = vec![0u32; outputs];
    let queued = (|| {
        emulator.upload(device, input.as_ptr().cast(), from, in_bytes)?;
        emulator.clear(device, to, out_bytes)?;
        emulator.launch(device, function, grid, &[from, to, input.len() as u64])?;
        emulator.download(device, to, output.as_mut_ptr().cast(), out_bytes)
    })();
    queued.map_err(|error| error.0)?;
    emulator.free(device, from);
    emulator.free(device, to);
    Ok(output)
}

/// A kernel's output on numbers that look random is as expected, on every schedule.
fn check(text: &str, outputs: usize, expected: impl Fn(&[u32]) -> Vec<u32>) {
    let input: Vec<u32> = (0..1000u32).map(|number| number.wrapping_mul(2_654_435_761) >> 22).collect();
    for schedule in SCHEDULES {
        let emulator = emulator(schedule);
        for _ in 0..3 {
            assert_eq!(run(&emulator, text, &input, outputs).as_ref(), Ok(&expected(&input)), "{schedule:?}");
        }
    }
}

/// A kernel fails on every schedule, with words in its message.
fn check_fails(text: &str, message: &str) {
    for schedule in SCHEDULES {
        let emulator = emulator(schedule);
        let why = run(&emulator, text, &[1; 200], 8).expect_err(text);
        assert!(why.contains(message), "{schedule:?}: {why}");
        assert!(emulator.mark(1).is_err(), "a device that failed stays so");
        assert!(emulator.mark(0).is_ok());
    }
}

fn blocks(input: &[u32]) -> impl Iterator<Item = &[u32]> {
    input.chunks(128)
}

#[test]
fn threads_alone() {
    check(
        "KERNEL { for (unsigned i = AT; i < COUNT; i += gridDim.x * blockDim.x) OUT[i] = IN[i] * 2 + 1; }",
        1000,
        |input| input.iter().map(|value| value * 2 + 1).collect(),
    );
}

#[test]
fn reduction_in_shared_memory() {
    check(
        "KERNEL {
            __shared__ unsigned sums[128];
            sums[threadIdx.x] = AT < COUNT ? IN[AT] : 0;
            for (int half = 64; half > 0; half /= 2) {
                __syncthreads();
                if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
            }
            if (threadIdx.x == 0) OUT[blockIdx.x] = sums[0];
        }",
        8,
        |input| blocks(input).map(|block| block.iter().sum()).collect(),
    );
}

#[test]
fn scan_by_shuffles() {
    check(
        "KERNEL {
            __shared__ unsigned sums[4];
            unsigned value = scanned(AT < COUNT ? IN[AT] : 0), warp = threadIdx.x / 32;
            if (threadIdx.x % 32 == 31) sums[warp] = value;
            __syncthreads();
            for (unsigned before = 0; before < warp; before++) value += sums[before];
            if (AT < COUNT) OUT[AT] = value;
        }",
        1000,
        |input| {
            let scan = |block: &[u32]| {
                let mut sum = 0;
                block
                    .iter()
                    .map(|value| {
                        sum += value;
                        sum
                    })
                    .collect::<Vec<u32>>()
            };
            blocks(input).flat_map(scan).collect()
        },
    );
}

#[test]
fn compaction_by_ballots() {
    check(
        "KERNEL {
            __shared__ unsigned counts[4];
            bool odd = AT < COUNT && IN[AT] % 2 == 1;
            unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
            unsigned odds = __ballot_sync(0xffffffffu, odd);
            if (lane == 0) counts[warp] = __popc(odds);
            int all = __syncthreads_count(odd);
            unsigned place = 128 * blockIdx.x + __popc(odds & ((1u << lane) - 1));
            for (unsigned before = 0; before < warp; before++) place += counts[before];
            if (odd) OUT[place] = IN[AT];
            if (threadIdx.x == 0) OUT[1024 + blockIdx.x] = all;
        }",
        1032,
        |input| {
            let mut output = vec![0; 1032];
            for (number, block) in blocks(input).enumerate() {
                let odds: Vec<u32> = block.iter().copied().filter(|value| value % 2 == 1).collect();
                output[128 * number..128 * number + odds.len()].copy_from_slice(&odds);
                output[1024 + number] = odds.len() as u32;
            }
            output
        },
    );
}

#[test]
fn histogram_by_atomics() {
    check(
        "KERNEL {
            __shared__ unsigned bins[16];
            if (threadIdx.x < 16) bins[threadIdx.x] = 0;
            __syncthreads();
            if (AT < COUNT) atomicAdd(&bins[IN[AT] % 16], 1u);
            __syncthreads();
            if (threadIdx.x < 16) atomicAdd(&OUT[threadIdx.x], bins[threadIdx.x]);
            if (AT < COUNT) atomicMax(&OUT[16], IN[AT]);
        }",
        17,
        |input| {
            let mut bins = vec![0; 17];
            input.iter().for_each(|value| bins[*value as usize % 16] += 1);
            bins[16] = *input.iter().max().expect("there are some");
            bins
        },
    );
}

#[test]
fn reductions_of_a_warp() {
    check(
        "KERNEL {
            unsigned value = AT < COUNT ? IN[AT] : 0;
            unsigned most = __reduce_max_sync(0xffffffffu, value), bits = __reduce_or_sync(0xffffffffu, value);
            unsigned same = __match_any_sync(0xffffffffu, value % 4);
            unsigned pair = __shfl_xor_sync(0xffffffffu, value, 1) + __shfl_down_sync(0xffffffffu, value, 1, 16);
            if (AT < COUNT) OUT[AT] = most ^ bits << 10 ^ same ^ pair << 5;
        }",
        1000,
        |input| {
            let at = |place: usize| input.get(place).copied().unwrap_or(0);
            let value = |place: usize| {
                let warp = place / 32 * 32..place / 32 * 32 + 32;
                let most = warp.clone().map(at).max().unwrap_or(0);
                let bits = warp.clone().map(at).fold(0, |a, b| a | b);
                let same = warp.clone().filter(|&other| at(other) % 4 == at(place) % 4);
                let same = same.fold(0, |set, other| set | 1u32 << (other % 32));
                let down = if place % 16 == 15 { place } else { place + 1 };
                most ^ bits << 10 ^ same ^ (at(place ^ 1) + at(down)) << 5
            };
            (0..1000).map(value).collect()
        },
    );
}

#[test]
fn lanes_in_parts_of_a_warp() {
    check(
        "KERNEL {
            unsigned lane = threadIdx.x % 32, low = 0x0000ffffu, value = 0;
            if (AT >= COUNT) return;
            if (lane < 16) value = __reduce_add_sync(low, lane);
            else value = __any_sync(~low, lane == 31) + 2 * __all_sync(~low, lane == 31);
            __syncwarp();
            __syncthreads();
            OUT[AT] = value;
        }",
        1000,
        |input| {
            // The last warp has eight lanes.
            let value = |place: usize| match place {
                992.. => 28,
                _ if place % 32 < 16 => 120,
                _ => 1,
            };
            (0..input.len()).map(value).collect()
        },
    );
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (
            "KERNEL { if (threadIdx.x < 7) __syncthreads(); else { OUT[0] = 1;\n __syncthreads(); } }",
            "different barriers",
        ),
        (
            "KERNEL { if (threadIdx.x == 40) __syncwarp(); else __syncthreads(); }",
            "a lane waits for one that does not come",
        ),
        ("KERNEL { if (threadIdx.x < 8) __shfl_sync(0xff00u, 1, 9); }", "missing in its own mask"),
        (
            "KERNEL { if (threadIdx.x == 3) __syncwarp();\n else __any_sync(~0u, 1); }",
            "lanes of one mask wait at different places",
        ),
        ("KERNEL { OUT[8] = 1; }", "a write of 4 bytes, 0 behind an allocation of 32"),
        ("KERNEL { OUT[0] = IN[AT]; }", "a read of 4 bytes"),
        ("KERNEL { *(unsigned long long*)&OUT[7] = 1; }", "not aligned"),
        ("KERNEL { *(unsigned short*)((char*)OUT + 1) = 1; }", "not aligned"),
        ("KERNEL { __shared__ int few[8], other[8]; few[threadIdx.x] = other[0]; }", "is beyond its array"),
        ("KERNEL { OUT[0] = *(unsigned*)16; }", "no memory of this device"),
        ("KERNEL { OUT[0] = 5 / IN[3] / (IN[3] - 1); }", "divided by zero"),
        ("KERNEL { assert(IN[0] == 2); }", "assertion failed: IN[0] == 2"),
        ("KERNEL { while (*(volatile unsigned*)OUT == 0) __nanosleep(1); }", "waits for ever"),
    ];
    for (text, message) in cases {
        check_fails(text, message);
    }
}

#[test]
fn unset_memory_holds_nothing_of_use() {
    for schedule in SCHEDULES {
        let emulator = emulator(schedule);
        let text = "KERNEL { __shared__ unsigned unset[1]; if (COUNT == 0) unset[0] = 1; OUT[AT] = unset[0] + IN[0]; }";
        let output = run(&emulator, text, &[0; 256], 256).expect("nothing is wrong");
        assert!(output.iter().all(|&value| value == u32::MAX || value == 0xcbcb_cbcb), "{output:x?}");
    }
}

#[test]
fn a_text_that_is_no_kernel_is_refused() {
    let why = emulator(Schedule::InOrder).load(0, "struct Words {};\nint kernel(Words) { return x; }");
    assert!(
        why.as_ref().is_err_and(|why| why.contains("kernel:2") && why.contains("not declared")),
        "{why:?}"
    );
}

#[test]
fn commands_run_late_and_in_order() {
    let emulator = emulator(Schedule::Turns);
    let function = emulator.load(0, &format!("{BEGIN}KERNEL {{ if (AT < COUNT) OUT[AT] = IN[AT] + 1; }}"));
    let function = function.expect("the text is right");
    let at: Vec<u64> = [0, 0, 1, 1].map(|device| emulator.alloc(device, 400).expect("there is room")).into();
    let grid = Grid { blocks: [1, 1], threads: 128 };
    let mut numbers: Vec<u32> = (0..100).collect();
    emulator.upload(0, numbers.as_ptr().cast(), at[0], 400).expect("it is queued");
    numbers.fill(7);
    emulator.launch(0, function, grid, &[at[0], at[1], 100]).expect("it is queued");
    let early = emulator.mark(0).expect("the device works");
    assert_eq!(emulator.reached(0, early), Ok(false));
    emulator.transfer((0, at[1]), (1, at[2]), 400).expect("it is queued");
    emulator.clear(0, at[1], 400).expect("it is queued");
    emulator.launch(1, function, grid, &[at[2], at[3], 100]).expect("it is queued");
    let late = emulator.mark(1).expect("the device works");
    let asked = (0..10).take_while(|_| emulator.reached(1, late) == Ok(false)).count();
    assert!(asked < 5);
    assert_eq!(emulator.reached(0, early), Ok(true));
    emulator.download(1, at[3], numbers.as_mut_ptr().cast(), 400).expect("the device works");
    assert_eq!(numbers, (2..102).collect::<Vec<u32>>());
    emulator.download(0, at[1], numbers.as_mut_ptr().cast(), 400).expect("the device works");
    assert_eq!(numbers, [0; 100]);
    let other_device = emulator.launch(0, function, grid, &[at[2], at[1], 100]);
    assert!(other_device.is_ok() && emulator.download(0, at[1], numbers.as_mut_ptr().cast(), 400).is_err());
}
