// Sums over the threads of a workgroup.

var<workgroup> sums: array<u32, 256>;

// The sum of the numbers of all threads up to this one.
fn sum_before(number: u32, local: u32) -> u32 {
    var sum = number;
    for (var h = 1u; h < 256u; h = h << 1u) {
        sums[local] = sum;
        workgroupBarrier();
        if (local >= h) {
            sum += sums[local - h];
        }
        workgroupBarrier();
    }
    return sum;
}

// How many of a thread's neighbouring elements from `start` on are true.
fn count_from(start: u32) -> u32 {
    var count = 0u;
    for (var k = 0u; k < EACH && start + k < elements(); k++) {
        if (truth(start + k)) {
            count++;
        }
    }
    return count;
}

