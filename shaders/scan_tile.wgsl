// Running folds of a tile: a thread has EACH neighbouring elements. Elements behind the end of a row are zero; nothing
// that is kept is computed from them.

var<workgroup> sums: array<Value, 256>;

// Makes running folds of the values of all threads. Returns the fold of the whole tile.
fn scan_tile(values: ptr<function, array<Value, EACH>>, local: u32) -> Value {
    for (var k = 1u; k < EACH; k++) {
        (*values)[k] = combine((*values)[k - 1u], (*values)[k]);
    }
    var sum = (*values)[EACH - 1u];
    for (var h = 1u; h < 256u; h = h << 1u) {
        sums[local] = sum;
        workgroupBarrier();
        if (local >= h) {
            sum = combine(sums[local - h], sum);
        }
        workgroupBarrier();
    }
    sums[local] = sum;
    workgroupBarrier();
    if (local > 0u) {
        let before = sums[local - 1u];
        for (var k = 0u; k < EACH; k++) {
            (*values)[k] = combine(before, (*values)[k]);
        }
    }
    let whole = sums[255];
    workgroupBarrier();
    return whole;
}

fn load_tile(row: Row, start: u32) -> array<Value, EACH> {
    var values: array<Value, EACH>;
    for (var k = 0u; k < EACH && start + k < elements(); k++) {
        values[k] = element(row, start + k);
    }
    return values;
}

