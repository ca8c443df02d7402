// The same where runs have few tiles: a workgroup for each run, a thread for each digit.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = group.y * groups.x + group.x;
    if (number >= runs()) {
        return;
    }
    var before = 0u;
    for (var tile = 0u; tile < tiles(); tile++) {
        let at = tally_at(number, local, tile);
        let count = noted(at);
        note(at, before);
        before += count;
    }
    note(total_at(number, local), before);
}
