// A tile is sorted by four bits at a time: every thread has EACH neighbouring elements and counts them by digit, the
// counts in order of digit and thread become positions, and the elements go there. What is equal keeps its order.
// Satish, Harris, Garland: Designing Efficient Sorting Algorithms for Manycore GPUs (2009), in the form of CUB's ranks.

alias Part = array<Words, EACH>;
alias Numbers = array<u32, EACH>;

// Counts, two to a word, of digits below 8 in lower halves; and elements on their way, a word of each at a time.
var<workgroup> cells: array<u32, TILE>;

// Makes positions in the tile of digits.
fn make_ranks(numbers: ptr<function, Numbers>, local: u32) {
    for (var k = 0u; k < EACH; k++) {
        cells[k * 256u + local] = 0u;
    }
    var earlier: Numbers;
    for (var k = 0u; k < EACH; k++) {
        let digit = (*numbers)[k];
        let at = (digit & 7u) * 256u + local;
        let shift = (digit >> 3u) * 16u;
        let count = cells[at];
        earlier[k] = (count >> shift) & 0xffffu;
        cells[at] = count + (1u << shift);
    }
    workgroupBarrier();
    var sum = 0u;
    for (var k = 0u; k < EACH; k++) {
        sum += cells[local * EACH + k];
    }
    var before = sum_up_to(sum, local) - sum;
    // The larger digits come after all smaller ones.
    before += whole << 16u;
    for (var k = 0u; k < EACH; k++) {
        let count = cells[local * EACH + k];
        cells[local * EACH + k] = before;
        before += count;
    }
    workgroupBarrier();
    for (var k = 0u; k < EACH; k++) {
        let digit = (*numbers)[k];
        let start = cells[(digit & 7u) * 256u + local] >> ((digit >> 3u) * 16u);
        (*numbers)[k] = earlier[k] + (start & 0xffffu);
    }
    workgroupBarrier();
}

// Moves elements to positions in the tile.
fn move_to(part: ptr<function, Part>, ranks: ptr<function, Numbers>, local: u32) {
    for (var word = 0u; word < WORDS; word++) {
        for (var k = 0u; k < EACH; k++) {
            cells[(*ranks)[k]] = (*part)[k][word];
        }
        workgroupBarrier();
        for (var k = 0u; k < EACH; k++) {
            (*part)[k][word] = cells[local * EACH + k];
        }
        workgroupBarrier();
    }
}

// Gives thread `local` the elements `k * 256 + local`, so that neighbours write to neighbours.
fn spread(part: ptr<function, Part>, local: u32) {
    for (var word = 0u; word < WORDS; word++) {
        for (var k = 0u; k < EACH; k++) {
            cells[local * EACH + k] = (*part)[k][word];
        }
        workgroupBarrier();
        for (var k = 0u; k < EACH; k++) {
            (*part)[k][word] = cells[k * 256u + local];
        }
        workgroupBarrier();
    }
}

// The opposite.
fn collect(part: ptr<function, Part>, local: u32) {
    var ranks: Numbers;
    for (var k = 0u; k < EACH; k++) {
        ranks[k] = k * 256u + local;
    }
    move_to(part, &ranks, local);
}

