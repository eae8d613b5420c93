// codec: nanoseconds to encode and decode one ADD_SPAN_INITIATE request body, checked, in C.
// usage: codec [seconds per measurement, default 0.5]
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLACKLISTED = 3, CHECKSUMS = 60 };

struct excluded {
    uint8_t failure_domain[16];
    uint64_t block_service;
};

struct request {
    uint64_t file, cookie, offset;
    uint32_t size, checksum;
    uint8_t storage_class;
    uint16_t excluded_count;
    struct excluded *excluded;
    uint8_t parity, stripes;
    uint32_t cell_size;
    uint16_t checksum_count;
    uint32_t *checksums;
};

struct cursor {
    uint8_t *next, *end;
};

static int put(struct cursor *c, const void *value, size_t size)
{
    if ((size_t)(c->end - c->next) < size) return 0;
    memcpy(c->next, value, size);
    c->next += size;
    return 1;
}

static int get(struct cursor *c, void *value, size_t size)
{
    if ((size_t)(c->end - c->next) < size) return 0;
    memcpy(value, c->next, size);
    c->next += size;
    return 1;
}

#define PUT(field) put(c, &r->field, sizeof r->field)
#define GET(field) get(c, &r->field, sizeof r->field)

__attribute__((noinline)) static int encode(const struct request *r, struct cursor *c)
{
    if (!(PUT(file) && PUT(cookie) && PUT(offset) && PUT(size) && PUT(checksum) && PUT(storage_class))) return 0;
    if (!PUT(excluded_count)) return 0;
    for (int i = 0; i < r->excluded_count; i++)
        if (!(PUT(excluded[i].failure_domain) && PUT(excluded[i].block_service))) return 0;
    if (!(PUT(parity) && PUT(stripes) && PUT(cell_size) && PUT(checksum_count))) return 0;
    for (int i = 0; i < r->checksum_count; i++)
        if (!PUT(checksums[i])) return 0;
    return 1;
}

// `view`: the lists stay where they are and only their bounds are checked.
static inline int decode(struct request *r, struct cursor *c, int view)
{
    if (!(GET(file) && GET(cookie) && GET(offset) && GET(size) && GET(checksum) && GET(storage_class))) return 0;
    if (!GET(excluded_count)) return 0;
    size_t bytes = r->excluded_count * 24u;
    if ((size_t)(c->end - c->next) < bytes) return 0;
    if (view) {
        r->excluded = (void *)c->next;
        c->next += bytes;
    } else {
        r->excluded = malloc(r->excluded_count * sizeof *r->excluded);
        for (int i = 0; i < r->excluded_count; i++)
            if (!(GET(excluded[i].failure_domain) && GET(excluded[i].block_service))) return 0;
    }
    if (!(GET(parity) && GET(stripes) && GET(cell_size) && GET(checksum_count))) return 0;
    bytes = r->checksum_count * 4u;
    if ((size_t)(c->end - c->next) < bytes) return 0;
    if (view) {
        r->checksums = (void *)c->next;
        c->next += bytes;
    } else {
        r->checksums = malloc(bytes);
        for (int i = 0; i < r->checksum_count; i++)
            if (!GET(checksums[i])) return 0;
    }
    return c->next == c->end;
}

__attribute__((noinline)) static int decode_owned(struct request *r, struct cursor *c) { return decode(r, c, 0); }
__attribute__((noinline)) static int decode_view(struct request *r, struct cursor *c) { return decode(r, c, 1); }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void require(int fine)
{
    if (!fine) {
        fprintf(stderr, "codec: a message did not survive\n");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 0.5;
    struct excluded excluded[BLACKLISTED];
    uint32_t checksums[CHECKSUMS];
    for (int i = 0; i < BLACKLISTED; i++) {
        memset(excluded[i].failure_domain, 'a' + i, 16);
        excluded[i].block_service = 0x123456789abcull * (i + 1);
    }
    for (int i = 0; i < CHECKSUMS; i++) checksums[i] = 0x9e3779b9u * (i + 1);
    struct request original = {
        .file = 0x4000000000012345, .cookie = 0x1122334455667788, .offset = 1 << 20, .size = 9000000, .checksum = 77,
        .storage_class = 3, .excluded_count = BLACKLISTED, .excluded = excluded, .parity = 0x24, .stripes = 10,
        .cell_size = 225280, .checksum_count = CHECKSUMS, .checksums = checksums};
    uint8_t bytes[1024];
    uint64_t sum = 0, rounds;
    double encoding, owned, viewing, start;
    size_t size = 0;

    for (start = now(), rounds = 0; now() - start < seconds; rounds += 1000)
        for (int i = 0; i < 1000; i++) {
            struct cursor c = {bytes, bytes + sizeof bytes};
            original.offset += 4096;
            require(encode(&original, &c));
            size = c.next - bytes;
            sum += bytes[16];
        }
    encoding = (now() - start) / rounds * 1e9;

    for (start = now(), rounds = 0; now() - start < seconds; rounds += 1000)
        for (int i = 0; i < 1000; i++) {
            struct cursor c = {bytes, bytes + size};
            struct request r = {0};
            bytes[40] = i;
            require(decode_owned(&r, &c));
            sum += r.checksums[CHECKSUMS - 1] + r.excluded[1].block_service;
            free(r.excluded);
            free(r.checksums);
        }
    owned = (now() - start) / rounds * 1e9;

    for (start = now(), rounds = 0; now() - start < seconds; rounds += 1000)
        for (int i = 0; i < 1000; i++) {
            struct cursor c = {bytes, bytes + size};
            struct request r = {0};
            bytes[40] = i;
            require(decode_view(&r, &c));
            sum += c.end[-1] + r.size;
        }
    viewing = (now() - start) / rounds * 1e9;

    printf("{\"bytes\": %zu, \"encodeNanoseconds\": %.2f, \"decodeOwnedNanoseconds\": %.2f, "
           "\"decodeViewNanoseconds\": %.2f, \"ignore\": %llu}\n",
           size, encoding, owned, viewing, (unsigned long long)(sum & 1));
    return 0;
}
