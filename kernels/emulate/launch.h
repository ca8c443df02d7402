// What a kernel's library, run.cpp and the driver that loads both agree on.
#pragma once

typedef unsigned long size_t;

struct uint3 {
    unsigned int x, y, z;
};
typedef uint3 dim3;

struct EmulatedKernel {
    void (*body)(const void* words);
    uint3 *thread, *block, *block_size, *grid_size;
    // The kernel's shared memory, and all of its library.
    char *shared, *image, *end;
    // The size of the struct that the kernel takes.
    size_t word_bytes;
};

struct EmulatedRange {
    unsigned long low, high;
};

struct EmulatedLaunch {
    const void* words;
    size_t word_bytes;
    unsigned int blocks[2], threads;
    // 0 in order, 1 reversed, 2 by the seed.
    unsigned int schedule;
    unsigned long seed;
    // Whether threads wait for each other.
    unsigned int together;
    // Memory that the kernel may touch, rising.
    const EmulatedRange* ranges;
    size_t range_count;
};

enum EmulatedTogether {
    EMULATED_SYNC,
    EMULATED_SHUFFLE,
    EMULATED_BALLOT,
    EMULATED_MATCH,
    EMULATED_ADD,
    EMULATED_MIN,
    EMULATED_MAX,
    EMULATED_SIGNED_MIN,
    EMULATED_SIGNED_MAX,
    EMULATED_AND,
    EMULATED_OR,
    EMULATED_XOR,
    EMULATED_COUNT
};
