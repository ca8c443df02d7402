// Runs that a workgroup holds, as many together as there is room for: sorted by their keys, and then by the number of
// their run. The last word of an element is its position in the tile.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = (group.y * groups.x + group.x) * together();
    let count = elements(first);
    var part: Part;
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            part[k] = load(run_of(first + at / run_length()), at % run_length());
            part[k][WORDS - 1u] = at;
        }
    }
    collect(&part, local);
    var numbers: Numbers;
    for (var step = 0u; step < steps(); step++) {
        for (var k = 0u; k < EACH; k++) {
            var number = (part[k][WORDS - 1u] / run_length()) >> (4u * (step - min(step, KEY_STEPS)));
            if (step < KEY_STEPS) {
                let key = key_of(part[k]);
                number = select(key.x, key.y, step >= 8u) >> (4u * (step & 7u));
            }
            // What is no element stays behind all that are.
            numbers[k] = select(15u, number & 15u, local * EACH + k < count);
        }
        make_ranks(&numbers, local);
        move_to(&part, &numbers, local);
    }
    spread(&part, local);
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            let run = run_of(first + at / run_length());
            part[k][WORDS - 1u] = position(run, part[k][WORDS - 1u] % run_length());
            keep(run, at % run_length(), part[k]);
        }
    }
}
