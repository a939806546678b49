/* What the press is made of, and how it writes one record. */

#ifndef PATTER_RECORD_H
#define PATTER_RECORD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "blake2b.h"

#define ID_SIZE 16
#define CLOCK_SIZE 6
#define TAIL_SIZE 33
#define MAC_SIZE 12
#define MAX_NOW 40
#define TOKEN_BYTES (2 + ID_SIZE + CLOCK_SIZE + TAIL_SIZE + MAC_SIZE)
#define TOKEN_CHARS ((TOKEN_BYTES * 8 + 5) / 6)
/* Keys, quotes, two numbers of at most 20 digits: what a record has besides the pieces that are put into it. */
#define FRAME 400

typedef struct {
    PyObject_HEAD
    Blake2b tenant, policy, seal;
    uint8_t prefix[2];
    uint8_t clock[CLOCK_SIZE];
    char now[MAX_NOW];
    Py_ssize_t now_size;
    PyObject *source, *target;
    PyObject *encode, *kinds;
    int comma;
    /* The bytes object that the last record was, and what it has room for. Most receivers copy: then nobody else holds it
     * and the next record is written into the same memory, which is warm. */
    PyObject *sheet;
    Py_ssize_t room;
} Press;

/* Attributes of events and of what is taken down. */
enum { EVENT_ID, USER_ID, PRODUCT_ID, LABELS, STATES, MISSED, LOOKUPS, NAMES };
static const char *const spelled[NAMES] = {"event_id", "user_id", "product_id", "labels",
                                           "states",   "missed",  "lookups"};
static PyObject *names[NAMES];

/* Places in Side, Menu and Dish. */
enum { NAME, FEATURES, SIDE_STATES, TIMES, SEGMENT, STOP, UNTIL, BASIS, SIDE_SIZE };
enum { CUMULATIVE, DISHES, MISSES, MENU_LOOKUPS, MENU_SIZE };
enum { BODY, TAIL, LABEL, DISH_SIZE };
#define ITEM(tuple, place) PyTuple_GET_ITEM(tuple, place)

/* One event on its way. Owned: event_id, user_id, mine, its, menu, utf8. The dish is the menu's, the kind the press's. */
typedef struct {
    PyObject *event_id, *user_id, *mine, *its, *menu, *utf8, *dish, *kind;
    const char *event;
    Py_ssize_t event_size;
    long long partition, offset;
    uint8_t id[ID_SIZE];
} Slot;

static char *put(char *at, const void *from, Py_ssize_t size) {
    memcpy(at, from, (size_t)size);
    return at + size;
}

#define PUT(text) at = put(at, text, sizeof(text) - 1)
#define PUT_BYTES(bytes) at = put(at, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes))

static char *put_number(char *at, long long number) {
    char digits[24];
    int count = 0;
    unsigned long long left = number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number;
    do digits[count++] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0) *at++ = '-';
    while (count > 0) *at++ = digits[--count];
    return at;
}

static char *put_hex(char *at, const uint8_t *from, int size) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < size; i++) {
        *at++ = digits[from[i] >> 4];
        *at++ = digits[from[i] & 15];
    }
    return at;
}

static char *put_token(Press *self, char *at, const uint8_t *id, const char *tail) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t raw[TOKEN_BYTES + 1];
    uint8_t *to = raw;
    memcpy(to, self->prefix, 2);
    memcpy(to += 2, id, ID_SIZE);
    memcpy(to += ID_SIZE, self->clock, CLOCK_SIZE);
    memcpy(to += CLOCK_SIZE, tail, TAIL_SIZE);
    to += TAIL_SIZE;
    Blake2b seal = self->seal;
    blake2b_update(&seal, raw, TOKEN_BYTES - MAC_SIZE);
    blake2b_final(&seal, to);
    raw[TOKEN_BYTES] = 0;
    for (int bit = 0; bit < TOKEN_CHARS * 6; bit += 6) {
        unsigned pair = (unsigned)raw[bit / 8] << 8 | raw[bit / 8 + 1];
        *at++ = digits[pair >> (10 - bit % 8) & 63];
    }
    return at;
}

/* Whether a JSON encoder would copy these characters as they are. */
static int plain(const char *text, Py_ssize_t size) {
    for (Py_ssize_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return 0;
    }
    return 1;
}

/* Makes `sheet` one that nobody else holds, with room for `most` bytes. */
static int ready(Press *self, Py_ssize_t most) {
    if (self->sheet != NULL && Py_REFCNT(self->sheet) == 1 && most <= self->room) {
        /* A bytes object remembers its hash, once it was asked for it. */
        ((PyBytesObject *)self->sheet)->ob_shash = -1;
        return 1;
    }
    Py_ssize_t room = Py_MAX(self->room, most);
    PyObject *sheet = PyBytes_FromStringAndSize(NULL, room);
    if (sheet == NULL) return 0;
    Py_XSETREF(self->sheet, sheet);
    self->room = room;
    return 1;
}

/* The record (new). */
static PyObject *compose(Press *self, const Slot *slot, const char *event, Py_ssize_t event_size, int quoted) {
    PyObject *body = ITEM(slot->dish, BODY);
    Py_ssize_t most = FRAME + 2 * ID_SIZE + TOKEN_CHARS + event_size + self->now_size +
                      PyBytes_GET_SIZE(slot->kind) + PyBytes_GET_SIZE(self->source) + PyBytes_GET_SIZE(body);
    for (int i = NAME; i <= TIMES; i++)
        most += PyBytes_GET_SIZE(ITEM(slot->mine, i)) + PyBytes_GET_SIZE(ITEM(slot->its, i));
    if (!ready(self, most)) return NULL;
    char *at = PyBytes_AS_STRING(self->sheet);
    PUT("{\"decision_id\":\"");
    at = put_hex(at, slot->id, ID_SIZE);
    PUT("\",\"event_id\":");
    if (!quoted) *at++ = '"';
    at = put(at, event, event_size);
    if (!quoted) *at++ = '"';
    PUT(",\"user_id\":");
    PUT_BYTES(ITEM(slot->mine, NAME));
    PUT(",\"time\":\"");
    at = put(at, self->now, self->now_size);
    PUT("\",\"kind\":\"");
    PUT_BYTES(slot->kind);
    PUT("\",\"token\":\"");
    at = put_token(self, at, slot->id, PyBytes_AS_STRING(ITEM(slot->dish, TAIL)));
    PUT("\",\"event\":{\"topic\":");
    PUT_BYTES(self->source);
    PUT(",\"partition\":");
    at = put_number(at, slot->partition);
    PUT(",\"offset\":");
    at = put_number(at, slot->offset);
    PUT("},\"features\":{");
    PUT_BYTES(ITEM(slot->mine, FEATURES));
    if (self->comma) *at++ = ',';
    PUT_BYTES(ITEM(slot->its, FEATURES));
    PUT("},\"feature_states\":{");
    PUT_BYTES(ITEM(slot->mine, SIDE_STATES));
    if (self->comma) *at++ = ',';
    PUT_BYTES(ITEM(slot->its, SIDE_STATES));
    PUT("},\"feature_times_ms\":{");
    PUT_BYTES(ITEM(slot->mine, TIMES));
    if (self->comma) *at++ = ',';
    PUT_BYTES(ITEM(slot->its, TIMES));
    PUT("},");
    PUT_BYTES(body);
    *at = 0;
    Py_SET_SIZE((PyVarObject *)self->sheet, at - PyBytes_AS_STRING(self->sheet));
    return Py_NewRef(self->sheet);
}

static PyObject *record_of(Press *self, const Slot *slot) {
    if (plain(slot->event, slot->event_size)) return compose(self, slot, slot->event, slot->event_size, 0);
    PyObject *json = PyObject_CallOneArg(self->encode, slot->event_id), *record = NULL;
    if (json == NULL) return NULL;
    if (PyBytes_Check(json))
        record = compose(self, slot, PyBytes_AS_STRING(json), PyBytes_GET_SIZE(json), 1);
    else
        PyErr_SetString(PyExc_TypeError, "encode_json answers bytes");
    Py_DECREF(json);
    return record;
}

#endif
