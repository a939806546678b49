/* Sorting a batch, as ../gate.py defines it. */

#ifndef PATTER_GATE_H
#define PATTER_GATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>

#include "seen.h"

/* Events on their way at a time, as in the press. */
#define IN_HAND 8

/* What a kind of event has, and whether it asks for a decision. Together with the flags in ../gate.py. */
enum { HAS_PRODUCT = 1, HAS_PRICE = 2, ASKS = 4 };

typedef struct {
    PyObject_HEAD
    PyObject *parse, *decode, *rejection, *flags;
    /* What the decoder asks of longer records is not asked here; an event this near to its record's arrival has no absurd
     * time by any of its limits. */
    Py_ssize_t short_bytes;
    long long near_ms;
} Gate;

enum { VALUE, ARRIVED, PARTITION, OFFSET, ID, USER, PRODUCT, AGENT, TIME, PRICE, ASPECTS };
static const char *const aspects_spelled[ASPECTS] = {"value",      "timestamp_ms", "partition", "offset", "event_id",
                                                     "user_id",    "product_id",   "user_agent", "time",  "price"};
static PyObject *aspects[ASPECTS];
static PyTypeObject *seen_type;

/* One record on its way. Owned: everything but the record. */
typedef struct {
    PyObject *record, *event, *event_id, *partition, *offset;
    long kind;
    Key key;
} Item;

/* What is being sorted, and into what. */
typedef struct {
    PyObject *seen, *agents, *triggers, *rejected;
    PyObject *partition; /* of `ids`; borrowed from a record of the batch */
    Seen *ids;           /* borrowed from `seen` */
    Py_ssize_t duplicates, others, bots;
} Sorting;

/* Reads an attribute that is an int into `number`. */
static int number_of(PyObject *object, int aspect, long long *number) {
    PyObject *found = PyObject_GetAttr(object, aspects[aspect]);
    if (found == NULL) return 0;
    *number = PyLong_AsLongLong(found);
    Py_DECREF(found);
    return *number != -1 || !PyErr_Occurred();
}

/* Whether an id certainly is not blank. None is no id and fine. */
static int has_ink(PyObject *id) {
    if (id == Py_None) return 1;
    if (!PyUnicode_Check(id) || !PyUnicode_IS_COMPACT_ASCII(id) || PyUnicode_GET_LENGTH(id) == 0) return 0;
    unsigned char first = PyUnicode_1BYTE_DATA(id)[0];
    return first > 0x20 && first < 0x7f;
}

/* Whether a time certainly is near to `arrived`, milliseconds since the epoch. */
static int is_near(const Gate *self, PyObject *time, long long arrived) {
    if (!PyDateTime_CheckExact(time) || PyDateTime_DATE_GET_TZINFO(time) != PyDateTime_TimeZone_UTC) return 0;
    /* Days since 1970 of the proleptic Gregorian calendar, with March as the first month of a year. */
    long long month = PyDateTime_GET_MONTH(time), year = PyDateTime_GET_YEAR(time) - (month <= 2);
    long long era = year / 400, of_era = year - era * 400;
    long long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + PyDateTime_GET_DAY(time) - 1;
    long long days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    long long minutes = (days * 24 + PyDateTime_DATE_GET_HOUR(time)) * 60 + PyDateTime_DATE_GET_MINUTE(time);
    long long apart = (minutes * 60 + PyDateTime_DATE_GET_SECOND(time)) * 1000 +
                      PyDateTime_DATE_GET_MICROSECOND(time) / 1000 - arrived;
    return apart > -self->near_ms && apart < self->near_ms;
}

static int check_ink(PyObject *event, int aspect) {
    PyObject *id = PyObject_GetAttr(event, aspects[aspect]);
    if (id == NULL) return -1;
    int fine = has_ink(id);
    Py_DECREF(id);
    return fine;
}

/* Whether the decoder certainly takes this event, which it could parse: 0 where it has to be asked, -1 on failure. */
static int is_fine(const Gate *self, PyObject *event, long kind, long long arrived) {
    int fine = check_ink(event, ID);
    if (fine == 1) fine = check_ink(event, USER);
    if (fine == 1 && kind & HAS_PRODUCT) fine = check_ink(event, PRODUCT);
    if (fine != 1) return fine;
    PyObject *time = PyObject_GetAttr(event, aspects[TIME]);
    if (time == NULL) return -1;
    fine = is_near(self, time, arrived);
    Py_DECREF(time);
    if (fine != 1 || !(kind & HAS_PRICE)) return fine;
    PyObject *price = PyObject_GetAttr(event, aspects[PRICE]);
    if (price == NULL) return -1;
    fine = price == Py_None || (PyFloat_CheckExact(price) && PyFloat_AS_DOUBLE(price) >= 0);
    Py_DECREF(price);
    return fine;
}

/* The flags of an object's type; -1 with an exception. */
static long kind_of(Gate *self, PyObject *event) {
    PyObject *flags = PyDict_GetItemWithError(self->flags, (PyObject *)Py_TYPE(event));
    if (flags != NULL) return PyLong_AsLong(flags);
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, (PyObject *)Py_TYPE(event));
    return -1;
}

/* The event of a record, or its rejection (new). */
static PyObject *decoded(Gate *self, PyObject *record) {
    long long arrived;
    PyObject *value = PyObject_GetAttr(record, aspects[VALUE]), *event = NULL, *time;
    if (value == NULL || !number_of(record, ARRIVED, &arrived)) goto done;
    if (PyBytes_CheckExact(value) && PyBytes_GET_SIZE(value) > 0 && PyBytes_GET_SIZE(value) <= self->short_bytes) {
        event = PyObject_CallOneArg(self->parse, value);
        if (event == NULL && !PyErr_ExceptionMatches(PyExc_Exception)) goto done;
        if (event != NULL) {
            long kind = kind_of(self, event);
            int fine = kind < 0 ? -1 : is_fine(self, event, kind, arrived);
            if (fine == 1) goto done;
            Py_CLEAR(event);
            if (fine < 0) goto done;
        }
        PyErr_Clear();
    }
    time = PyObject_GetAttr(record, aspects[ARRIVED]);
    if (time != NULL) event = PyObject_CallFunctionObjArgs(self->decode, value, time, NULL);
    Py_XDECREF(time);
done:
    Py_XDECREF(value);
    return event;
}

/* The seen-set of a record's partition. */
static int turn_to(Sorting *sorting, PyObject *partition) {
    /* Records of one partition come in runs. */
    if (sorting->partition != NULL) {
        int same = sorting->partition == partition ? 1 : PyObject_RichCompareBool(sorting->partition, partition, Py_EQ);
        if (same != 0) return same == 1;
    }
    PyObject *ids = PyDict_GetItemWithError(sorting->seen, partition);
    if (ids == NULL && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, partition);
    if (ids == NULL) return 0;
    if (Py_TYPE(ids) != seen_type) {
        PyErr_SetString(PyExc_TypeError, "a partition has its compiled seen-set");
        return 0;
    }
    sorting->ids = (Seen *)ids;
    Py_XSETREF(sorting->partition, Py_NewRef(partition));
    return is_made(sorting->ids);
}

static void release(Item *item) {
    Py_CLEAR(item->event);
    Py_CLEAR(item->event_id);
    Py_CLEAR(item->partition);
    Py_CLEAR(item->offset);
}

/* Decodes, and asks memory for what the verdict needs. */
static int take_up(Gate *self, Sorting *sorting, PyObject *record, Item *item) {
    memset(item, 0, sizeof *item);
    item->record = record;
    item->event = decoded(self, record);
    if (item->event == NULL) return 0;
    if ((PyObject *)Py_TYPE(item->event) == self->rejection) return 1;
    item->kind = kind_of(self, item->event);
    item->event_id = PyObject_GetAttr(item->event, aspects[ID]);
    item->partition = PyObject_GetAttr(record, aspects[PARTITION]);
    item->offset = PyObject_GetAttr(record, aspects[OFFSET]);
    if (PyErr_Occurred() || !turn_to(sorting, item->partition)) return 0;
    if (!PyUnicode_Check(item->event_id)) {
        PyErr_SetString(PyExc_TypeError, "an event's id is text");
        return 0;
    }
    item->key = key_of(sorting->ids, item->event_id);
#if defined(__GNUC__)
    __builtin_prefetch(&sorting->ids->young.entries[item->key.a & (sorting->ids->young.slots - 1)]);
    __builtin_prefetch(&sorting->ids->elder.entries[item->key.a & (sorting->ids->elder.slots - 1)]);
#endif
    return 1;
}

/* Whether an event's user agent is a bot's; -1 with an exception. */
static int is_bot(Sorting *sorting, PyObject *event) {
    PyObject *agent = PyObject_GetAttr(event, aspects[AGENT]);
    PyObject *bot = agent == NULL ? NULL : PyObject_GetItem(sorting->agents, agent);
    int answer = bot == NULL ? -1 : PyObject_IsTrue(bot);
    Py_XDECREF(agent);
    Py_XDECREF(bot);
    return answer;
}

/* Whether an event asks for a decision, and about a product; -1 with an exception. */
static int asks(const Item *item) {
    if (!(item->kind & ASKS)) return 0;
    PyObject *product = PyObject_GetAttr(item->event, aspects[PRODUCT]);
    if (product == NULL) return -1;
    Py_DECREF(product);
    return product != Py_None;
}

/* The record's fate. */
static int put_away(Gate *self, Sorting *sorting, Item *item, Py_ssize_t place) {
    if ((PyObject *)Py_TYPE(item->event) == self->rejection) {
        PyObject *pair = Py_BuildValue("(nO)", place, item->event);
        int failed = pair == NULL || PyList_Append(sorting->rejected, pair) < 0;
        Py_XDECREF(pair);
        return !failed;
    }
    long long offset = PyLong_AsLongLong(item->offset);
    if ((offset == -1 && PyErr_Occurred()) || !turn_to(sorting, item->partition)) return 0;
    int duplicate = judge_key(sorting->ids, offset, item->key);
    if (duplicate != 0) {
        sorting->duplicates++;
        return duplicate > 0;
    }
    int asking = asks(item), bot = asking == 1 ? is_bot(sorting, item->event) : 0;
    if (asking < 0 || bot < 0) return 0;
    if (!asking || bot) {
        *(asking ? &sorting->bots : &sorting->others) += 1;
        return 1;
    }
    PyObject *trigger = PyTuple_Pack(3, item->event, item->partition, item->offset);
    int failed = trigger == NULL || PyList_Append(sorting->triggers, trigger) < 0;
    Py_XDECREF(trigger);
    return !failed;
}

static int sort_all(Gate *self, Sorting *sorting, PyObject *records) {
    Item items[IN_HAND];
    Py_ssize_t count = PyTuple_GET_SIZE(records);
    int fine = 1;
    for (Py_ssize_t begun = 0; fine && begun < count; begun += IN_HAND) {
        Py_ssize_t taken = 0, some = Py_MIN(IN_HAND, count - begun);
        while (fine && taken < some) {
            fine = take_up(self, sorting, PyTuple_GET_ITEM(records, begun + taken), &items[taken]);
            taken++;
        }
        for (Py_ssize_t i = 0; fine && i < some; i++) fine = put_away(self, sorting, &items[i], begun + i);
        for (Py_ssize_t i = 0; i < taken; i++) release(&items[i]);
    }
    return fine;
}

/* sort(records, seen-sets by partition, agents) */
static PyObject *Gate_sort(Gate *self, PyObject *args) {
    PyObject *given, *records, *answer = NULL;
    Sorting sorting = {0};
    if (self->flags == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the gate was never made");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OO!O", &given, &PyDict_Type, &sorting.seen, &sorting.agents)) return NULL;
    records = PySequence_Tuple(given);
    sorting.triggers = PyList_New(0);
    sorting.rejected = PyList_New(0);
    if (records != NULL && sorting.triggers != NULL && sorting.rejected != NULL && sort_all(self, &sorting, records))
        answer = Py_BuildValue("(OOnnn)", sorting.triggers, sorting.rejected, sorting.duplicates, sorting.others,
                               sorting.bots);
    Py_XDECREF(records);
    Py_XDECREF(sorting.triggers);
    Py_XDECREF(sorting.rejected);
    Py_XDECREF(sorting.partition);
    return answer;
}

/* Gate(parse, decode_event, Rejection, flags by type, short_bytes, near_ms) */
static int Gate_init(Gate *self, PyObject *args, PyObject *kwargs) {
    PyObject *parse, *decode, *rejection, *flags;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "OOOO!nL", &parse, &decode, &rejection, &PyDict_Type, &flags, &self->short_bytes,
                          &self->near_ms))
        return -1;
    Py_XSETREF(self->parse, Py_NewRef(parse));
    Py_XSETREF(self->decode, Py_NewRef(decode));
    Py_XSETREF(self->rejection, Py_NewRef(rejection));
    Py_XSETREF(self->flags, Py_NewRef(flags));
    return 0;
}

static void Gate_dealloc(Gate *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(self->parse);
    Py_CLEAR(self->decode);
    Py_CLEAR(self->rejection);
    Py_CLEAR(self->flags);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyMethodDef gate_methods[] = {
    {"sort", (PyCFunction)Gate_sort, METH_VARARGS, "Sort a batch of records."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot gate_slots[] = {
    {Py_tp_dealloc, Gate_dealloc}, {Py_tp_init, Gate_init}, {Py_tp_methods, gate_methods},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec gate_spec = {"streams.serve._press.Gate", sizeof(Gate), 0, Py_TPFLAGS_DEFAULT, gate_slots};

#endif
