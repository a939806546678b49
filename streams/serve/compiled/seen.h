/* The seen-set of one partition, as ../seen.py defines it, by 128-bit hashes instead of ids.
 *
 * A slot is 24 bytes and tables are never fuller than three quarters: no string is kept, and a look goes to one place in
 * memory. Two ids of a window share a hash with a probability below 1e-27; the hash is keyed, so that nobody can make
 * them.
 */

#ifndef PATTER_SEEN_H
#define PATTER_SEEN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SLOTS 1024

typedef struct {
    uint64_t a, b;
} Key;

/* `place` is the offset plus one; 0 is an empty slot. */
typedef struct {
    Key key;
    int64_t place;
} Entry;

typedef struct {
    Entry *entries;
    size_t slots, used;
} Table;

typedef struct {
    PyObject_HEAD
    long long window, base, last, kept;
    uint64_t secret[2];
    Table young, elder;
    /* What the batch under judgement changed: keys, and the place at which each stood before. */
    Entry *changes;
    size_t changed, room;
} Seen;

#define TURN(word, bits) ((word) << (bits) | (word) >> (64 - (bits)))
#define ROUND                                                                                                          \
    do {                                                                                                               \
        v0 += v1, v1 = TURN(v1, 13) ^ v0, v0 = TURN(v0, 32), v2 += v3, v3 = TURN(v3, 16) ^ v2;                         \
        v0 += v3, v3 = TURN(v3, 21) ^ v0, v2 += v1, v1 = TURN(v1, 17) ^ v2, v2 = TURN(v2, 32);                         \
    } while (0)

/* SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012) of a string's characters as Python keeps them. */
static Key key_of(const Seen *self, PyObject *text) {
    const uint8_t *at = (const uint8_t *)PyUnicode_DATA(text);
    int wide = PyUnicode_KIND(text);
    size_t size = (size_t)PyUnicode_GET_LENGTH(text) * (size_t)wide, left = size;
    /* Narrow and wide strings of the same bytes are different ids. */
    uint64_t k0 = self->secret[0] ^ (uint64_t)wide, k1 = self->secret[1], word;
    uint64_t v0 = k0 ^ 0x736f6d6570736575ULL, v1 = k1 ^ 0x646f72616e646f6dULL ^ 0xee;
    uint64_t v2 = k0 ^ 0x6c7967656e657261ULL, v3 = k1 ^ 0x7465646279746573ULL;
    for (; left >= 8; left -= 8, at += 8) {
        memcpy(&word, at, 8);
        v3 ^= word;
        ROUND;
        ROUND;
        v0 ^= word;
    }
    word = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++) word |= (uint64_t)at[i] << (8 * i);
    v3 ^= word;
    ROUND;
    ROUND;
    v0 ^= word;
    Key key;
    v2 ^= 0xee;
    for (int i = 0; i < 4; i++) ROUND;
    key.a = v0 ^ v1 ^ v2 ^ v3;
    v1 ^= 0xdd;
    for (int i = 0; i < 4; i++) ROUND;
    key.b = v0 ^ v1 ^ v2 ^ v3;
    return key;
}

/* The slot in which a key stands, or would be put. The table has an empty one. */
static Entry *find(const Table *table, Key key) {
    size_t mask = table->slots - 1, at = key.a & mask;
    while (table->entries[at].place != 0 && (table->entries[at].key.a != key.a || table->entries[at].key.b != key.b))
        at = (at + 1) & mask;
    return &table->entries[at];
}

static int make_table(Table *table, size_t slots) {
    table->entries = calloc(slots, sizeof(Entry));
    table->slots = slots;
    table->used = 0;
    if (table->entries != NULL) return 1;
    PyErr_NoMemory();
    return 0;
}

static int grow(Table *table) {
    Table wider;
    if (!make_table(&wider, table->slots * 2)) return 0;
    for (size_t i = 0; i < table->slots; i++)
        if (table->entries[i].place != 0) *find(&wider, table->entries[i].key) = table->entries[i];
    wider.used = table->used;
    free(table->entries);
    *table = wider;
    return 1;
}

/* Empties a slot, and moves up what stood behind it only because it was taken. */
static void take_out(Table *table, Entry *entry) {
    size_t mask = table->slots - 1, hole = (size_t)(entry - table->entries), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (table->entries[at].place == 0) break;
        size_t home = table->entries[at].key.a & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->entries[hole] = table->entries[at];
            hole = at;
        }
    }
    table->entries[hole].place = 0;
    table->used--;
}

/* Writes down where a key stood before. */
static int note(Seen *self, Key key, int64_t before) {
    if (self->changed == self->room) {
        size_t room = self->room ? self->room * 2 : 256;
        Entry *more = realloc(self->changes, room * sizeof(Entry));
        if (more == NULL) {
            PyErr_NoMemory();
            return 0;
        }
        self->changes = more;
        self->room = room;
    }
    self->changes[self->changed++] = (Entry){key, before};
    return 1;
}

/* Takes note of a key at an offset. Answers the place at which it stood, 0 for none, -1 with an exception. */
static int64_t stand(Seen *self, long long offset, Key key) {
    if (self->young.used * 4 >= self->young.slots * 3 && !grow(&self->young)) return -1;
    Entry *entry = find(&self->young, key);
    int64_t before = entry->place;
    if (before == offset + 1) return before;
    if (!note(self, key, before)) return -1;
    if (before == 0) {
        entry->key = key;
        self->young.used++;
    }
    entry->place = offset + 1;
    return before;
}

/* Whether the event at `offset` is a duplicate; -1 with an exception. */
static int judge_key(Seen *self, long long offset, Key key) {
    self->last = offset;
    int64_t before = stand(self, offset, key);
    if (before < 0) return -1;
    if (before == 0 || before == offset + 1) {
        int64_t elder = find(&self->elder, key)->place;
        return elder != 0 && elder - 1 >= offset - self->window;
    }
    return before - 1 >= offset - self->window && before - 1 < offset;
}

static int settle(Seen *self) {
    self->changed = 0;
    self->kept = self->last;
    if (self->base < 0) self->base = self->last;
    if (self->last - self->base < self->window) return 1;
    Table fresh;
    /* The next generation will be about as large as this one. */
    if (!make_table(&fresh, self->young.slots)) return 0;
    free(self->elder.entries);
    self->elder = self->young;
    self->young = fresh;
    self->base = self->last + 1;
    return 1;
}

static int Seen_init(Seen *self, PyObject *args, PyObject *kwargs) {
    const char *secret;
    Py_ssize_t size;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "Ly#", &self->window, &secret, &size)) return -1;
    if (size != sizeof self->secret || self->young.entries != NULL) {
        PyErr_SetString(PyExc_ValueError, "a secret has 16 bytes, and a seen-set is made once");
        return -1;
    }
    memcpy(self->secret, secret, sizeof self->secret);
    self->base = self->last = self->kept = -1;
    return make_table(&self->young, LEAST_SLOTS) && make_table(&self->elder, LEAST_SLOTS) ? 0 : -1;
}

static void Seen_dealloc(Seen *self) {
    PyTypeObject *type = Py_TYPE(self);
    free(self->young.entries);
    free(self->elder.entries);
    free(self->changes);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static Py_ssize_t Seen_length(Seen *self) { return (Py_ssize_t)(self->young.used + self->elder.used); }

static int is_made(const Seen *self) {
    if (self->elder.entries != NULL) return 1;
    PyErr_SetString(PyExc_RuntimeError, "the seen-set was never made");
    return 0;
}

static PyObject *Seen_judge(Seen *self, PyObject *args) {
    long long offset;
    PyObject *event_id;
    if (!is_made(self) || !PyArg_ParseTuple(args, "LU", &offset, &event_id)) return NULL;
    int answer = judge_key(self, offset, key_of(self, event_id));
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *Seen_put(Seen *self, PyObject *args) {
    long long offset;
    PyObject *event_id;
    if (!is_made(self) || !PyArg_ParseTuple(args, "LU", &offset, &event_id)) return NULL;
    self->last = offset;
    if (stand(self, offset, key_of(self, event_id)) < 0 || !settle(self)) return NULL;
    Py_RETURN_NONE;
}

static PyObject *Seen_commit(Seen *self, PyObject *Py_UNUSED(none)) {
    if (!is_made(self) || !settle(self)) return NULL;
    Py_RETURN_NONE;
}

static PyObject *Seen_forget(Seen *self, PyObject *Py_UNUSED(none)) {
    if (!is_made(self)) return NULL;
    while (self->changed > 0) {
        Entry *change = &self->changes[--self->changed], *entry = find(&self->young, change->key);
        if (change->place == 0)
            take_out(&self->young, entry);
        else
            entry->place = change->place;
    }
    self->last = self->kept;
    Py_RETURN_NONE;
}

static PyMethodDef seen_methods[] = {
    {"judge", (PyCFunction)Seen_judge, METH_VARARGS, "Whether the event at an offset is a duplicate."},
    {"put", (PyCFunction)Seen_put, METH_VARARGS, "An id that stands before the first record to be judged."},
    {"commit", (PyCFunction)Seen_commit, METH_NOARGS, "What was judged counts."},
    {"forget", (PyCFunction)Seen_forget, METH_NOARGS, "What was judged never was."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot seen_slots[] = {
    {Py_tp_dealloc, Seen_dealloc}, {Py_tp_init, Seen_init}, {Py_tp_methods, seen_methods},
    {Py_sq_length, Seen_length}, {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec seen_spec = {"streams.serve._press.SeenIds", sizeof(Seen), 0, Py_TPFLAGS_DEFAULT, seen_slots};

#endif
