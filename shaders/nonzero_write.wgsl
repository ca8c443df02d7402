// The indices of true elements are written from their tile's position on.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let tile = group.y * groups.x + group.x;
    let start = tile * TILE + local * EACH;
    let count = count_from(start);
    let sum = sum_before(count, local);
    if (tile >= tiles()) {
        return;
    }
    var row = tally(tile) + sum - count;
    for (var k = 0u; k < EACH && start + k < elements(); k++) {
        if (truth(start + k)) {
            write(row, start + k);
            row++;
        }
    }
}
