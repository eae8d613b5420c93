// isal: Reed-Solomon (10,4) encoding and CRC32C with ISA-L from C, GB of data per second on one core.
// usage: isal [cell bytes, default 65536] [seconds per measurement, default 0.5]
#include <isa-l/crc.h>
#include <isa-l/erasure_code.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DATA = 10, PARITY = 4 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int cell = argc > 1 ? atoi(argv[1]) : 65536;
    double seconds = argc > 2 ? atof(argv[2]) : 0.5;
    unsigned char matrix[(DATA + PARITY) * DATA], tables[DATA * PARITY * 32];
    unsigned char *data[DATA], *parity[PARITY];
    if (cell < 64) return fprintf(stderr, "isal: cells have at least 64 bytes\n"), 2;
    for (int i = 0; i < DATA + PARITY; i++) {
        unsigned char *memory = aligned_alloc(64, (cell + 63) / 64 * 64);
        if (!memory) return perror("isal"), 1;
        for (int j = 0; j < cell; j++) memory[j] = rand();
        if (i < DATA) data[i] = memory; else parity[i - DATA] = memory;
    }
    // Which field the tables are for makes no difference to the kernels' speed.
    gf_gen_cauchy1_matrix(matrix, DATA + PARITY, DATA);
    ec_init_tables(DATA, PARITY, matrix + DATA * DATA, tables);

    uint64_t rounds, sum = 0;
    double start, encoding, checking;
    for (start = now(), rounds = 0; now() - start < seconds; rounds += 16)
        for (int i = 0; i < 16; i++) ec_encode_data(cell, DATA, PARITY, tables, data, parity);
    encoding = (double)rounds * DATA * cell / (now() - start) / 1e9;

    for (start = now(), rounds = 0; now() - start < seconds; rounds += 16)
        for (int i = 0; i < 16; i++) sum += crc32_iscsi(data[i % DATA], cell, 0xffffffff);
    checking = (double)rounds * cell / (now() - start) / 1e9;

    printf("{\"cellBytes\": %d, \"encodeGigabytesPerSecond\": %.3f, \"crcGigabytesPerSecond\": %.3f, \"ignore\": %d}\n",
           cell, encoding, checking, (int)(sum & 1));
    return 0;
}
