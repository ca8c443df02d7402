// Sums over the threads of a workgroup. Rounds alternate between two halves, so that one barrier each is enough.

var<workgroup> sums: array<u32, 512>;
var<workgroup> whole: u32;

// The sum of the numbers of all threads up to this one; that of all of them is in `whole`.
fn sum_up_to(number: u32, local: u32) -> u32 {
    var sum = number;
    var half = 0u;
    for (var h = 1u; h < 256u; h = h << 1u) {
        sums[half + local] = sum;
        workgroupBarrier();
        if (local >= h) {
            sum += sums[half + local - h];
        }
        half = 256u - half;
    }
    if (local == 255u) {
        whole = sum;
    }
    workgroupBarrier();
    return sum;
}

