// A pass over long runs, second: a workgroup for each digit of each run turns the counts of tiles into positions among
// the elements of the digit.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let work = group.y * groups.x + group.x;
    let number = work / 256u;
    let digit = work % 256u;
    let inside = number < runs();
    var carry = 0u;
    for (var begin = 0u; begin < tiles(); begin += TILE) {
        let start = begin + local * EACH;
        var end = min(start + EACH, tiles());
        if (!inside) {
            end = 0u;
        }
        var sum = 0u;
        for (var tile = start; tile < end; tile++) {
            sum += noted(tally_at(number, digit, tile));
        }
        var before = carry + sum_up_to(sum, local) - sum;
        for (var tile = start; tile < end; tile++) {
            let count = noted(tally_at(number, digit, tile));
            note(tally_at(number, digit, tile), before);
            before += count;
        }
        carry += whole;
    }
    if (local == 0u && inside) {
        note(total_at(number, digit), carry);
    }
}
