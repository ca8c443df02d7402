// What the generated program of cuda_text.rs needs to run on the host: CUDA's words, and a loop over the list of bodies.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#define __device__
#define __forceinline__ inline

struct Buffers {
    const unsigned char *in[3];
    unsigned char *out[2];
    unsigned char *events;
};

#define BODY(name) static void name(const Buffers &buffers, size_t i)
#define ENTRY(name)
#define LISTED(name, count, in0, in1, in2, out0, out1) {name, count, {in0, in1, in2}, {out0, out1}},
#define LIST_BEGIN \
    struct Listed { \
        void (*body)(const Buffers &, size_t); \
        size_t count, in[3], out[2]; \
    }; \
    static const Listed LIST[] = {
#define LIST_END \
    } \
    ; \
    int main(int, char **arguments) { return run(LIST, sizeof LIST / sizeof LIST[0], arguments[1], arguments[2]); }

// Runs every listed body over its elements, from one file to another.
template <class Listed>
static int run(const Listed *list, size_t bodies, const char *given, const char *found) {
    FILE *in = std::fopen(given, "rb"), *out = std::fopen(found, "wb");
    if (!in || !out) return 1;
    for (size_t number = 0; number < bodies; number++) {
        const Listed &listed = list[number];
        std::vector<std::vector<unsigned char>> memory;
        auto words = [&](size_t bytes) {
            memory.emplace_back(bytes);
            return memory.back().data();
        };
        memory.reserve(6);
        Buffers buffers;
        for (int place = 0; place < 3; place++) {
            size_t bytes = listed.in[place] * listed.count;
            unsigned char *column = words(bytes);
            if (std::fread(column, 1, bytes, in) != bytes) return 1;
            buffers.in[place] = column;
        }
        for (int place = 0; place < 2; place++) buffers.out[place] = words(listed.out[place] * listed.count);
        buffers.events = words(listed.count);
        for (size_t i = 0; i < listed.count; i++) listed.body(buffers, i);
        for (int place = 0; place < 2; place++) std::fwrite(buffers.out[place], 1, listed.out[place] * listed.count, out);
        std::fwrite(buffers.events, 1, listed.count, out);
    }
    return std::fclose(out);
}
