// What every kernel finds before its own text. The parameters p and the buffers are defined before this.

// Floating point flags, a word for each step of a body and one for the kernel itself.
@group(1) @binding(1) var<storage, read_write> reports: array<atomic<u32>>;

// Always zero, which compilers cannot know: what passes through it is not combined with what comes after.
var<private> mn_zero: u32;

// Adds the flags that a thread raised to a cell. Many elements raise the same ones: one look is cheaper than a change.
fn report(cell: u32, flags: u32) {
    if (flags != 0u) {
        if ((atomicLoad(&reports[cell]) & flags) != flags) {
            atomicOr(&reports[cell], flags);
        }
    }
}
