// A merge, first: where in every run a tile of the result begins, a thread for each tile and one for the end. The key of
// its first element is found bit by bit: it is the largest that at most as many elements come before as there are before
// the tile. Elements of that key are taken in the order of their runs.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = (group.y * groups.x + group.x) * 256u + local;
    if (tile > tiles()) {
        return;
    }
    let row = run_of(0u);
    let rank = min(least() + tile * TILE, most());
    for (var part = 0u; part < merged_runs(); part++) {
        note(cut_at(LOW, part, tile), part * merged_length());
        note(cut_at(HIGH, part, tile), min((part + 1u) * merged_length(), row_length()));
    }
    var key = vec2<u32>(0u, 0u);
    for (var bit = KEY_BITS; bit > 0u; bit--) {
        var candidate = key;
        if (bit > 32u) {
            candidate.y |= 1u << (bit - 33u);
        } else {
            candidate.x |= 1u << (bit - 1u);
        }
        var count = 0u;
        for (var part = 0u; part < merged_runs(); part++) {
            var begin = noted(cut_at(LOW, part, tile));
            var end = noted(cut_at(HIGH, part, tile));
            while (begin < end) {
                let half = begin + (end - begin) / 2u;
                if (is_before(key_of(load(row, half)), candidate)) {
                    begin = half + 1u;
                } else {
                    end = half;
                }
            }
            note(cut_at(MIDDLE, part, tile), begin);
            count += begin - part * merged_length();
        }
        let comes_before = count <= rank;
        var side = HIGH;
        if (comes_before) {
            key = candidate;
            side = LOW;
        }
        for (var part = 0u; part < merged_runs(); part++) {
            note(cut_at(side, part, tile), noted(cut_at(MIDDLE, part, tile)));
        }
    }
    var left = rank;
    for (var part = 0u; part < merged_runs(); part++) {
        left -= noted(cut_at(LOW, part, tile)) - part * merged_length();
    }
    for (var part = 0u; part < merged_runs(); part++) {
        let low = noted(cut_at(LOW, part, tile));
        let taken = min(left, noted(cut_at(HIGH, part, tile)) - low);
        note(cut_at(LOW, part, tile), low + taken);
        left -= taken;
    }
}
