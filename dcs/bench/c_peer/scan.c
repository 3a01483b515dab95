/* The scan of one class as a C program: the yardstick of the engine.
 *
 * It loads the tables of a plan, the initial memory and a recorded trace of inputs, executes the same scans as the
 * engine, prints what one costs (input image and scan; the median, in ns) and writes its memory for comparison.
 * "steps.h" holds the translated step functions and `kernels`, the table of their loops.
 *
 * usage: scan PLAN MEMORY
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "steps.h"

enum { MAGIC, WORDS, ROWS, WIRES, READS, INPUTS_AT, INPUTS, FRAMES, SCANS, DISCARDED, PERIOD_NS, START_NS, HEADER };
enum { KERNEL, AT, COUNT, WIRE_FROM, WIRE_TO, SUBJECT, READ_FROM, ROW };
/* words of the prefix, as in dcs.engine.memory */
enum { AT_SCANS = 4, AT_TIME_NS = 5, EVENT_HEAD = 6, EVENT_MARK = 7, FIRST_CLASS = 16 };
enum { CLASS_SCANS, CLASS_TIME_NS, CLASS_SLIPS };

static void *room(size_t bytes)
{
    size_t rounded = (bytes + (1 << 21) - 1) & ~(size_t)((1 << 21) - 1);
    void *found = aligned_alloc(1 << 21, rounded);
    if (!found) exit(3);
    madvise(found, rounded, MADV_HUGEPAGE); /* as NumPy does for large arrays */
    return found;
}

static int64_t *loaded(FILE *file, size_t count)
{
    int64_t *words = room(8 * count + 8);
    if (fread(words, 8, count, file) != count) {
        fprintf(stderr, "the plan file is too short\n");
        exit(3);
    }
    return words;
}

static void scan(int64_t *words, const int64_t *rows, int64_t row_count, const uint32_t *wires,
                 const uint32_t *reads, int64_t period_ns, int64_t time_ns)
{
    double dt_s = (double)period_ns / 1e9;
    words[EVENT_MARK] = words[EVENT_HEAD];
    for (const int64_t *row = rows; row < rows + ROW * row_count; row += ROW) {
        for (const uint32_t *wire = wires + 3 * row[WIRE_FROM]; wire < wires + 3 * row[WIRE_TO]; wire += 3) {
            uint64_t pair[2];
            memcpy(pair, words + wire[1], 8);
            memcpy(pair + 1, words + wire[2], 8);
            memcpy(words + wire[0], pair, 16);
        }
        if (row[KERNEL] >= 0)
            kernels[row[KERNEL]](words, (double *)words, words + row[AT], row[COUNT],
                                 reads + row[READ_FROM], dt_s, dt_s, time_ns, row[SUBJECT]);
    }
    words[AT_SCANS]++;
    words[AT_TIME_NS] = time_ns;
    words[FIRST_CLASS + CLASS_SCANS]++;
    words[FIRST_CLASS + CLASS_TIME_NS] = time_ns;
}

static int by_value(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* other processes must not count */
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: scan PLAN MEMORY\n");
        return 2;
    }
    int64_t *header = loaded(file, HEADER);
    int64_t inputs = header[INPUTS], scans = header[SCANS], discarded = header[DISCARDED];
    int64_t *words = loaded(file, header[WORDS]);
    int64_t *rows = loaded(file, ROW * header[ROWS]);
    uint32_t *wires = (uint32_t *)loaded(file, (3 * header[WIRES] + 1) / 2);
    uint32_t *reads = (uint32_t *)loaded(file, (header[READS] + 1) / 2);
    int64_t *trace = loaded(file, 2 * inputs * header[FRAMES]);
    int64_t *times = room(8 * inputs + 8), *taken_ns = room(8 * scans + 8);
    fclose(file);
    int64_t *image = words + header[INPUTS_AT];
    for (int64_t n = 0; n < scans; n++) {
        int64_t time_ns = header[START_NS] + n * header[PERIOD_NS];
        const int64_t *frame = trace + 2 * inputs * (n % header[FRAMES]);
        for (int64_t i = 0; i < inputs; i++) times[i] = time_ns;
        int64_t started_ns = now_ns();
        memcpy(image, frame, 16 * inputs);
        memcpy(image + 2 * inputs, times, 8 * inputs);
        scan(words, rows, header[ROWS], wires, reads, header[PERIOD_NS], time_ns);
        taken_ns[n] = now_ns() - started_ns;
    }
    file = fopen(argv[2], "wb");
    if (!file || fwrite(words, 8, header[WORDS], file) != (size_t)header[WORDS] || fclose(file)) return 3;
    qsort(taken_ns + discarded, scans - discarded, 8, by_value);
    printf("%lld\n", (long long)taken_ns[discarded + (scans - discarded) / 2]);
    return 0;
}
