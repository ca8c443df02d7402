// Runs a kernel's threads on one thread of the host, and checks what they do.
//
// Every thread of a block is a fiber with a stack of its own, where threads wait for each other at all; else one fiber
// runs them in turn. A fiber runs until it waits, ends or fails; then the scheduler, which runs on the caller's stack,
// chooses the next one. The compiler was told to announce every access to memory (`__asan_...`), every misaligned one
// and every index beyond an array (`__ubsan_...`); the functions that it calls for this are defined here.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <mutex>
#include <vector>

namespace {

const unsigned MOST_THREADS = 1024;
const size_t STACK = 128 << 10;
// What no memory holds by chance.
const unsigned char POISON[2] = {0xff, 0xcb};

// A thread of a block, as a fiber.
struct Fiber {
    void* stack_pointer;
    // What it waits for.
    int kind, line;
    unsigned mask, source;
    unsigned long long value;
};

// Sets of lanes, as bits.
struct Warp {
    unsigned ready, at_block, at_warp, ended;
};

struct Run {
    const EmulatedKernel* kernel;
    const EmulatedLaunch* launch;
    char* stacks;
    std::vector<unsigned long long> words;
    Fiber fibers[MOST_THREADS];
    Warp warps[MOST_THREADS / 32];
    void* scheduler;
    // The fiber that runs, and the ends of its stack.
    unsigned current;
    unsigned long stack_low;
    // Ranges that were touched last.
    EmulatedRange recent[4];
    unsigned oldest;
    unsigned long random, idle;
    bool failed;
    char why[512];
};

__attribute__((tls_model("initial-exec"))) thread_local Run* now;
std::mutex spare_lock;
std::vector<Run*> spare;

extern "C" void emulated_switch(void** from, void* to);
asm(R"(
    .text
    .type emulated_switch, @function
emulated_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size emulated_switch, . - emulated_switch
)");

unsigned long next_random(Run& run) {
    run.random ^= run.random << 13;
    run.random ^= run.random >> 7;
    run.random ^= run.random << 17;
    return run.random;
}

// An order of `count` things: place after place, the thing that has its turn.
struct Order {
    unsigned count, first, step;

    Order(Run& run, unsigned count) : count(count), first(0), step(1) {
        if (run.launch->schedule == 1) first = step = count - 1;
        if (run.launch->schedule == 2) {
            first = next_random(run) % count;
            do {
                step = 1 + next_random(run) % count;
            } while (common(step, count) != 1);
        }
        if (step == 0) step = 1;
    }
    static unsigned common(unsigned a, unsigned b) { return b == 0 ? a : common(b, a % b); }
    unsigned operator[](unsigned place) const { return (first + (unsigned long)place * step) % count; }
};

// To the scheduler.
void leave(Run& run) { emulated_switch(&run.fibers[run.current].stack_pointer, run.scheduler); }

[[noreturn]] void fail(Run& run, const char* why, int line) {
    const uint3 &block = *run.kernel->block, &thread = *run.kernel->thread;
    int count = snprintf(run.why, sizeof run.why, "%s, in thread %u of block %u, %u", why, thread.x, block.x, block.y);
    if (line > 0 && count > 0 && (size_t)count < sizeof run.why) {
        snprintf(run.why + count, sizeof run.why - count, ", at line %d of the kernel's text", line);
    }
    run.failed = true;
    leave(run);
    __builtin_unreachable();
}

void body(Run& run) { run.kernel->body(run.words.data()); }

// Every lane of the mask has come: their results.
void finish_warp(Fiber* lanes, unsigned mask, int kind) {
    unsigned long long results[32];
    unsigned long long voted = 0, folded = 0;
    bool any = false;
    for (unsigned lane = 0; lane < 32; lane++) {
        if (!(mask >> lane & 1)) continue;
        unsigned long long value = lanes[lane].value;
        if (value != 0) voted |= 1ull << lane;
        unsigned a = (unsigned)folded, b = (unsigned)value;
        unsigned both = kind == EMULATED_ADD          ? a + b
                        : kind == EMULATED_MIN        ? (b < a ? b : a)
                        : kind == EMULATED_MAX        ? (b > a ? b : a)
                        : kind == EMULATED_SIGNED_MIN ? ((int)b < (int)a ? b : a)
                        : kind == EMULATED_SIGNED_MAX ? ((int)b > (int)a ? b : a)
                        : kind == EMULATED_AND        ? a & b
                        : kind == EMULATED_OR         ? a | b
                                                      : a ^ b;
        folded = any ? both : b;
        any = true;
    }
    for (unsigned lane = 0; lane < 32; lane++) {
        if (!(mask >> lane & 1)) continue;
        results[lane] = kind == EMULATED_BALLOT ? voted : folded;
        if (kind == EMULATED_SHUFFLE) {
            unsigned source = lanes[lane].source & 31;
            memset(&results[lane], POISON[1], sizeof results[lane]);
            if (mask >> source & 1) results[lane] = lanes[source].value;
        }
        if (kind == EMULATED_MATCH) {
            results[lane] = 0;
            for (unsigned other = 0; other < 32; other++) {
                bool same = mask >> other & 1 && lanes[other].value == lanes[lane].value;
                results[lane] |= (unsigned long long)same << other;
            }
        }
    }
    for (unsigned lane = 0; lane < 32; lane++) {
        if (mask >> lane & 1) lanes[lane].value = results[lane];
    }
}

// Lets the lanes of a mask go on if all of them have come, or have ended.
void try_warp(Run& run, unsigned first, unsigned mask, int kind, int line) {
    Warp& warp = run.warps[first / 32];
    Fiber* lanes = &run.fibers[first];
    unsigned expected = mask & ~warp.ended;
    bool complete = true;
    for (unsigned lane = 0; lane < 32; lane++) {
        if (!(expected >> lane & 1)) continue;
        if (!(warp.at_warp >> lane & 1) || lanes[lane].mask != mask) {
            complete = false;
        } else if (lanes[lane].kind != kind || lanes[lane].line != line) {
            fail(run, "lanes of one mask wait at different places", line);
        }
    }
    if (!complete) return;
    finish_warp(lanes, expected, kind);
    warp.at_warp &= ~expected;
    warp.ready |= expected;
}

void one_thread() {
    Run& run = *now;
    body(run);
    unsigned lane = run.current % 32, first = run.current - lane;
    Warp& warp = run.warps[first / 32];
    warp.ended |= 1u << lane;
    for (unsigned other = 0; other < 32; other++) {
        const Fiber& fiber = run.fibers[first + other];
        if (warp.at_warp >> other & 1) try_warp(run, first, fiber.mask, fiber.kind, fiber.line);
    }
    leave(run);
}

void all_threads() {
    Run& run = *now;
    Order order(run, run.launch->threads);
    for (unsigned place = 0; place < order.count; place++) {
        run.kernel->thread->x = order[place];
        body(run);
    }
    leave(run);
}

void start(Run& run, unsigned number, void (*entry)()) {
    void** top = (void**)(run.stacks + (number + 1) * STACK);
    // A return address for the entry, aligned as if it had been called; the entry; and the six saved registers.
    *--top = nullptr;
    *--top = (void*)entry;
    for (int saved = 0; saved < 6; saved++) *--top = nullptr;
    run.fibers[number].stack_pointer = top;
}

void resume(Run& run, unsigned number) {
    run.current = number;
    run.stack_low = (unsigned long)run.stacks + number * STACK;
    emulated_switch(&run.scheduler, run.fibers[number].stack_pointer);
}

// Lets a warp's ready lanes run, until all of them wait or the schedule turns to another warp.
void run_warp(Run& run, unsigned number) {
    Warp& warp = run.warps[number];
    Order order(run, 32);
    unsigned long rounds = run.launch->schedule == 2 ? 1 + next_random(run) % 4 : ~0ul;
    for (unsigned long round = 0; warp.ready != 0 && round < rounds; round++) {
        for (unsigned place = 0; place < 32; place++) {
            unsigned lane = order[place];
            if (!(warp.ready >> lane & 1)) continue;
            warp.ready &= ~(1u << lane);
            run.kernel->thread->x = 32 * number + lane;
            resume(run, 32 * number + lane);
            if (run.failed) return;
        }
    }
}

void stuck(Run& run, const char* why, unsigned first, unsigned second) {
    snprintf(run.why, sizeof run.why, "%s: thread %u waits at line %d, thread %u at line %d, in block %u, %u", why, first,
             run.fibers[first].line, second, run.fibers[second].line, run.kernel->block->x, run.kernel->block->y);
    run.failed = true;
}

// All threads that have not ended wait for the block: lets them go on.
void release_block(Run& run, unsigned warps) {
    Fiber* first = nullptr;
    unsigned long long count = 0, threads = 0;
    for (unsigned number = 0; number < 32 * warps; number++) {
        if (!(run.warps[number / 32].at_block >> (number % 32) & 1)) continue;
        Fiber& fiber = run.fibers[number];
        if (first == nullptr) first = &fiber;
        if (fiber.line != first->line || fiber.kind != first->kind) {
            return stuck(run, "threads of a block wait at different barriers", (unsigned)(first - run.fibers), number);
        }
        count += fiber.value;
        threads++;
    }
    unsigned long long result = 0;
    if (first->kind == EMULATED_COUNT) result = count;
    if (first->kind == EMULATED_AND) result = count == threads;
    if (first->kind == EMULATED_OR) result = count != 0;
    for (unsigned number = 0; number < 32 * warps; number++) run.fibers[number].value = result;
    for (unsigned number = 0; number < warps; number++) {
        run.warps[number].ready = run.warps[number].at_block;
        run.warps[number].at_block = 0;
    }
}

void run_together(Run& run) {
    unsigned threads = run.launch->threads, warps = (threads + 31) / 32;
    for (unsigned number = 0; number < warps; number++) {
        unsigned lanes = threads - 32 * number, all = lanes >= 32 ? ~0u : (1u << lanes) - 1;
        run.warps[number] = {all, 0, 0, ~all};
    }
    for (unsigned number = 0; number < threads; number++) start(run, number, one_thread);
    Order order(run, warps);
    run.idle = 0;
    for (;;) {
        bool ran = false;
        for (unsigned place = 0; place < warps; place++) {
            Warp& warp = run.warps[order[place]];
            if (warp.ready == 0) continue;
            ran = true;
            run_warp(run, order[place]);
            if (run.failed) return;
        }
        if (ran) continue;
        unsigned at_block = MOST_THREADS, at_warp = MOST_THREADS;
        for (unsigned number = 0; number < threads; number++) {
            const Warp& warp = run.warps[number / 32];
            if (warp.at_block >> (number % 32) & 1) at_block = number;
            if (warp.at_warp >> (number % 32) & 1) at_warp = number;
        }
        if (at_warp != MOST_THREADS) {
            unsigned missing = 0;
            while (run.warps[at_warp / 32].ended >> missing & 1 || !(run.fibers[at_warp].mask >> missing & 1) ||
                   (run.warps[at_warp / 32].at_warp >> missing & 1 &&
                    run.fibers[at_warp / 32 * 32 + missing].mask == run.fibers[at_warp].mask))
                if (++missing == 32) break;
            return stuck(run, "a lane waits for one that does not come", at_warp,
                         missing == 32 ? at_warp : at_warp / 32 * 32 + missing);
        }
        if (at_block == MOST_THREADS) return;
        release_block(run, warps);
        if (run.failed) return;
    }
}

void run_grid(Run& run) {
    const EmulatedLaunch& launch = *run.launch;
    const EmulatedKernel& kernel = *run.kernel;
    *kernel.block_size = {launch.threads, 1, 1};
    *kernel.grid_size = {launch.blocks[0], launch.blocks[1], 1};
    Order order(run, launch.blocks[0] * launch.blocks[1]);
    for (unsigned place = 0; place < order.count && !run.failed; place++) {
        *kernel.block = {order[place] % launch.blocks[0], order[place] / launch.blocks[0], 0};
        *kernel.thread = {0, 0, 0};
        memset(kernel.shared, POISON[place % 2], (size_t)(kernel.end - kernel.shared));
        if (launch.together) {
            run_together(run);
        } else {
            start(run, 0, all_threads);
            resume(run, 0);
        }
    }
}

bool is_in(const EmulatedRange& range, unsigned long address, unsigned long bytes) {
    return address >= range.low && address + bytes <= range.high;
}

void remember(Run& run, const EmulatedRange& range) {
    run.recent[run.oldest] = range;
    run.oldest = (run.oldest + 1) % 4;
}

__attribute__((noinline)) void look_up(Run& run, unsigned long address, unsigned long bytes, const char* what) {
    EmulatedRange image = {(unsigned long)run.kernel->image, (unsigned long)run.kernel->end};
    if (is_in(image, address, bytes)) return remember(run, image);
    unsigned long words = (unsigned long)run.words.data();
    if (is_in({words, words + run.launch->word_bytes}, address, bytes)) return;
    size_t low = 0, high = run.launch->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (run.launch->ranges[middle].high <= address) low = middle + 1;
        else high = middle;
    }
    if (low < run.launch->range_count && is_in(run.launch->ranges[low], address, bytes)) {
        return remember(run, run.launch->ranges[low]);
    }
    char why[256];
    snprintf(why, sizeof why, "%s of %lu bytes at 0x%lx, which is no memory of this device", what, bytes, address);
    if (low < run.launch->range_count && run.launch->ranges[low].low < address + bytes) {
        const EmulatedRange& near = run.launch->ranges[low];
        snprintf(why, sizeof why, "%s of %lu bytes across the ends of an allocation of %lu", what, bytes, near.high - near.low);
    } else if (low > 0 && address - run.launch->ranges[low - 1].high < 1 << 20) {
        const EmulatedRange& near = run.launch->ranges[low - 1];
        snprintf(why, sizeof why, "%s of %lu bytes, %lu behind an allocation of %lu", what, bytes, address - near.high,
                 near.high - near.low);
    }
    fail(run, why, 0);
}

inline void check(unsigned long address, unsigned long bytes, const char* what) {
    Run& run = *now;
    if (address - run.stack_low < STACK) return;
    for (const EmulatedRange& range : run.recent) {
        if (is_in(range, address, bytes)) return;
    }
    look_up(run, address, bytes, what);
}

// What the compiler says of a place in the text.
struct Place {
    const char* file;
    unsigned line, column;
};

}  // namespace

extern "C" {

unsigned long long emulated_warp(int kind, unsigned mask, unsigned long long value, unsigned source, int line) {
    Run& run = *now;
    Fiber& self = run.fibers[run.current];
    Warp& warp = run.warps[run.current / 32];
    unsigned lane = run.current % 32;
    if (!(mask >> lane & 1)) fail(run, "a lane is missing in its own mask", line);
    self.kind = kind;
    self.mask = mask;
    self.source = source;
    self.value = value;
    self.line = line;
    warp.at_warp |= 1u << lane;
    try_warp(run, run.current - lane, mask, kind, line);
    if (warp.ready >> lane & 1) {
        warp.ready &= ~(1u << lane);
        return self.value;
    }
    leave(run);
    return self.value;
}

unsigned long long emulated_block(int kind, unsigned value, int line) {
    Run& run = *now;
    Fiber& self = run.fibers[run.current];
    self.kind = kind;
    self.line = line;
    self.value = value;
    run.warps[run.current / 32].at_block |= 1u << (run.current % 32);
    leave(run);
    return self.value;
}

void emulated_yield() {
    Run& run = *now;
    if (++run.idle > 10000000) fail(run, "a thread waits for ever", 0);
    if (!run.launch->together) return;
    run.warps[run.current / 32].ready |= 1u << (run.current % 32);
    leave(run);
}

void emulated_fail(const char* why, int line) { fail(*now, why, line); }

// Runs a launch. Answers 0, or 1 and writes why.
int emulated_run(const EmulatedKernel* kernel, const EmulatedLaunch* launch, char* why, size_t why_bytes) {
    if (launch->threads == 0 || launch->threads > MOST_THREADS || launch->blocks[0] == 0 || launch->blocks[1] == 0 ||
        launch->blocks[1] > 65535) {
        snprintf(why, why_bytes, "a grid of %u x %u blocks of %u threads", launch->blocks[0], launch->blocks[1],
                 launch->threads);
        return 1;
    }
    if (launch->word_bytes < kernel->word_bytes) {
        snprintf(why, why_bytes, "%lu bytes of words for a kernel that takes %lu", launch->word_bytes, kernel->word_bytes);
        return 1;
    }
    Run* run = nullptr;
    {
        std::lock_guard<std::mutex> lock(spare_lock);
        if (!spare.empty()) {
            run = spare.back();
            spare.pop_back();
        }
    }
    if (run == nullptr) {
        run = new Run();
        run->stacks = (char*)mmap(nullptr, MOST_THREADS * STACK, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (run->stacks == MAP_FAILED) {
            snprintf(why, why_bytes, "no memory for stacks");
            delete run;
            return 1;
        }
    }
    run->kernel = kernel;
    run->launch = launch;
    run->words.resize((launch->word_bytes + 7) / 8 + 1);
    memcpy(run->words.data(), launch->words, launch->word_bytes);
    memset(run->recent, 0, sizeof run->recent);
    run->random = launch->seed | 1;
    run->idle = 0;
    run->failed = false;
    Run* outer = now;
    now = run;
    run_grid(*run);
    now = outer;
    int result = run->failed;
    if (run->failed) snprintf(why, why_bytes, "%s", run->why);
    std::lock_guard<std::mutex> lock(spare_lock);
    spare.push_back(run);
    return result;
}

#define CHECK(bytes) \
    void __asan_load##bytes##_noabort(unsigned long address) { check(address, bytes, "a read"); } \
    void __asan_store##bytes##_noabort(unsigned long address) { check(address, bytes, "a write"); }
CHECK(1)
CHECK(2)
CHECK(4)
CHECK(8)
CHECK(16)
void __asan_loadN_noabort(unsigned long address, unsigned long bytes) { check(address, bytes, "a read"); }
void __asan_storeN_noabort(unsigned long address, unsigned long bytes) { check(address, bytes, "a write"); }
void __asan_handle_no_return() {}

void __ubsan_handle_type_mismatch_v1(const Place* place, unsigned long address) {
    char why[128];
    snprintf(why, sizeof why, "an access to 0x%lx, which is not aligned as its type", address);
    fail(*now, why, (int)place->line);
}
void __ubsan_handle_out_of_bounds(const Place* place, unsigned long index) {
    char why[128];
    snprintf(why, sizeof why, "index %ld is beyond its array", (long)index);
    fail(*now, why, (int)place->line);
}
void __ubsan_handle_divrem_overflow(const Place* place, unsigned long, unsigned long) {
    fail(*now, "an integer is divided by zero", (int)place->line);
}
}
