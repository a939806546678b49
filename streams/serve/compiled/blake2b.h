/* BLAKE2b with key and personalisation, as RFC 7693 writes it. */

#ifndef PATTER_BLAKE2B_H
#define PATTER_BLAKE2B_H

#include <stdint.h>
#include <string.h>

#define BLOCK 128

typedef struct {
    uint64_t h[8];
    uint64_t length;
    uint8_t block[BLOCK];
    size_t filled;
    size_t digest_size;
} Blake2b;

static const uint64_t IV[8] = {
    0x6a09e667f3bcc908ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL, 0xa54ff53a5f1d36f1ULL,
    0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL, 0x1f83d9abfb41bd6bULL, 0x5be0cd19137e2179ULL,
};

/* RFC 7693, section 2.7; rounds 10 and 11 are rounds 0 and 1 again. */
static const uint8_t SIGMA[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

static inline uint64_t blake2b_load(const uint8_t *from) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
#else
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = word << 8 | from[i];
    return word;
#endif
}

static inline uint64_t blake2b_turn(uint64_t word, int bits) { return word >> bits | word << (64 - bits); }

#define MIX(a, b, c, d, x, y)                                                                                          \
    do {                                                                                                               \
        v[a] = v[a] + v[b] + (x);                                                                                      \
        v[d] = blake2b_turn(v[d] ^ v[a], 32);                                                                          \
        v[c] = v[c] + v[d];                                                                                            \
        v[b] = blake2b_turn(v[b] ^ v[c], 24);                                                                          \
        v[a] = v[a] + v[b] + (y);                                                                                      \
        v[d] = blake2b_turn(v[d] ^ v[a], 16);                                                                          \
        v[c] = v[c] + v[d];                                                                                            \
        v[b] = blake2b_turn(v[b] ^ v[c], 63);                                                                          \
    } while (0)

static void blake2b_compress(Blake2b *s, int last) {
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++) m[i] = blake2b_load(s->block + 8 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = s->h[i];
        v[i + 8] = IV[i];
    }
    /* A message here is never 2**64 bytes long: the counter's upper half stays 0. */
    v[12] ^= s->length;
    if (last) v[14] = ~v[14];
    /* Unrolled, the order of the words is known when this is compiled: twice as fast. */
#if defined(__GNUC__)
#pragma GCC unroll 12
#endif
    for (int r = 0; r < 12; r++) {
        MIX(0, 4, 8, 12, m[SIGMA[r][0]], m[SIGMA[r][1]]);
        MIX(1, 5, 9, 13, m[SIGMA[r][2]], m[SIGMA[r][3]]);
        MIX(2, 6, 10, 14, m[SIGMA[r][4]], m[SIGMA[r][5]]);
        MIX(3, 7, 11, 15, m[SIGMA[r][6]], m[SIGMA[r][7]]);
        MIX(0, 5, 10, 15, m[SIGMA[r][8]], m[SIGMA[r][9]]);
        MIX(1, 6, 11, 12, m[SIGMA[r][10]], m[SIGMA[r][11]]);
        MIX(2, 7, 8, 13, m[SIGMA[r][12]], m[SIGMA[r][13]]);
        MIX(3, 4, 9, 14, m[SIGMA[r][14]], m[SIGMA[r][15]]);
    }
    for (int i = 0; i < 8; i++) s->h[i] ^= v[i] ^ v[i + 8];
}

static void blake2b_update(Blake2b *s, const void *data, size_t size) {
    const uint8_t *from = data;
    while (size > 0) {
        if (s->filled == BLOCK) {
            s->length += BLOCK;
            blake2b_compress(s, 0);
            s->filled = 0;
        }
        size_t part = BLOCK - s->filled;
        if (part > size) part = size;
        memcpy(s->block + s->filled, from, part);
        s->filled += part;
        from += part;
        size -= part;
    }
}

/* `key` has at most 64 bytes, `person` 16 or is NULL. With a key, something has to be hashed after it: its block is taken
 * in here, once, and not anew for every copy of the state. */
static void blake2b_init(Blake2b *s, size_t digest_size, const void *key, size_t key_size, const uint8_t *person) {
    memset(s, 0, sizeof *s);
    memcpy(s->h, IV, sizeof IV);
    s->h[0] ^= 0x01010000ULL ^ (uint64_t)key_size << 8 ^ (uint64_t)digest_size;
    if (person != NULL) {
        s->h[6] ^= blake2b_load(person);
        s->h[7] ^= blake2b_load(person + 8);
    }
    s->digest_size = digest_size;
    if (key_size > 0) {
        memcpy(s->block, key, key_size);
        s->length = BLOCK;
        blake2b_compress(s, 0);
        memset(s->block, 0, BLOCK);
    }
}

static void blake2b_final(Blake2b *s, uint8_t *digest) {
    s->length += s->filled;
    memset(s->block + s->filled, 0, BLOCK - s->filled);
    blake2b_compress(s, 1);
    for (size_t i = 0; i < s->digest_size; i++) digest[i] = (uint8_t)(s->h[i / 8] >> 8 * (i % 8));
}

#endif
