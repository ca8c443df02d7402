// One workgroup turns the counts of tiles into the positions of their first true elements.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    var carry = 0u;
    for (var begin = 0u; begin < tiles(); begin += 256u) {
        let tile = begin + local;
        var count = 0u;
        if (tile < tiles()) {
            count = tally(tile);
        }
        let sum = sum_before(count, local);
        if (tile < tiles()) {
            note(tile, carry + sum - count);
        }
        sums[local] = sum;
        workgroupBarrier();
        carry += sums[255];
        workgroupBarrier();
    }
}
